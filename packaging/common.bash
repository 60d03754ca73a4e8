# What the scripts of this folder share; each begins with `source`.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

fail() { printf '%s: %s\n' "packaging/${0##*/}" "$*" >&2; exit 1; }
need() { command -v "$1" >/dev/null || fail "$1 is missing: $2"; }

version=$(sed -n 's/^version = "\(.*\)"/\1/p' Cargo.toml | head -n 1)
target=${CARGO_TARGET_DIR:-target}

# The files that a package has besides the program, made by the program itself: `pages PROGRAM`.
generated() {
    local program=$1 folder=target/packaging
    rm -rf "$folder"
    mkdir -p "$folder/man" "$folder/completions"
    "$program" man --out "$folder/man"
    "$program" completions bash >"$folder/completions/cckw"
    "$program" completions zsh >"$folder/completions/_cckw"
    "$program" completions fish >"$folder/completions/cckw.fish"
    packaging/third-party >"$folder/THIRD-PARTY"
}
