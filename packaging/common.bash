# What the scripts of this folder share; each begins with `source`.
set -euo pipefail
# A command that fails in $(…) ends the script too.
shopt -s inherit_errexit
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf '%s: %s\n' "packaging/${0##*/}" "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is missing: $2"; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
# shellcheck disable=SC2034
target=${CARGO_TARGET_DIR:-target}

# The moment that files of a release bear, in place of the time at which they were made: that of packaging/changelog.
release_time() {
    head -n 1 packaging/changelog | grep -qF "cckw ($version-1)" ||
        fail "packaging/changelog begins with another version than $version-1"
    date -d "$(sed -n 's/^ -- .*>  //p' packaging/changelog | head -n 1)" +%s
}

# From here on nothing depends on the umask, the time, the time zone or the language of this machine. That is also for whoever only builds a
# program: build scripts of crates look at the time, and would compile all again where it is another one.
fix_environment() {
    umask 022
    export SOURCE_DATE_EPOCH TZ=UTC LC_ALL=C
    SOURCE_DATE_EPOCH=$(release_time)
}

# Builds a program, and prints its path: with packaging/static or packaging/cross, whose last line begins with it.
program_of() {
    local said
    said=$("$@")
    printf '%s\n' "$said" >&2
    said=${said##*$'\n'}
    [ -f "${said%%: *}" ] || fail "$1 did not say where the program is: $said"
    printf '%s\n' "${said%%: *}"
}

# The files that a package has besides the program, put into a folder: `generated PROGRAM TARGET FOLDER`, where PROGRAM runs on this
# machine and TARGET is what the package is for.
generated() {
    local program=$1 triple=$2 folder=$3
    rm -rf "$folder"
    mkdir -p "$folder/man" "$folder/completions"
    "$program" man --out "$folder/man"
    "$program" completions bash >"$folder/completions/cckw"
    "$program" completions zsh >"$folder/completions/_cckw"
    "$program" completions fish >"$folder/completions/cckw.fish"
    packaging/third-party "$triple" >"$folder/THIRD-PARTY"
}

# Options for rustc, or for a C compiler, that take out of a program where it was built: `unnamed rustc` or `unnamed c`. cargo names the folder
# of the crates after where it takes them from, so that folder has a line of its own. The last one that fits counts.
unnamed() {
    local option=-ffile-prefix-map cargo_home=${CARGO_HOME:-$HOME/.cargo} folder
    [ "$1" = c ] || option=--remap-path-prefix
    cargo fetch --locked --quiet >&2
    printf '%s' "$option=$PWD=/cckw $option=$cargo_home=/cargo"
    for folder in "$cargo_home"/registry/src/*/; do
        [ ! -d "$folder" ] || printf ' %s' "$option=${folder%/}=/cargo/crates"
    done
}
