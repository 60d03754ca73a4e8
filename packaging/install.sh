#!/bin/sh
# Installs cckw from a release, or replaces an older one. It needs no root, and changes nothing but one file:
#
#     sh install.sh [--from URL] [--dir DIR] [--key PUBLIC-KEY] [--force]
#
# --from URL   where the release is: https://…, file://…, or a directory; else $CCKW_RELEASE_URL
# --dir DIR    where the program is to be; ~/.local/bin, if not given
# --key KEY    minisign's public key of the release; else $CCKW_PUBLIC_KEY
# --force      also over the same or a newer cckw, or over a link
#
# All of it is in functions, and the last line calls the first of them: a script that was cut off on its way runs nothing.

main() {
    set -eu
    umask 022
    LC_ALL=C
    export LC_ALL
    # packaging/release writes what is right for its release into these two lines.
    release_url=''
    release_key=''

    from=${CCKW_RELEASE_URL:-$release_url} key=${CCKW_PUBLIC_KEY:-$release_key} dir='' force=''
    while [ $# -gt 0 ]; do
        case $1 in
            --from | --dir | --key)
                [ $# -gt 1 ] || misuse "$1 needs a value"
                case $1 in
                    --from) from=$2 ;;
                    --dir) dir=$2 ;;
                    --key) key=$2 ;;
                esac
                shift
                ;;
            --force) force=yes ;;
            -h | --help)
                usage
                exit 0
                ;;
            *) misuse "there is no option $1" ;;
        esac
        shift
    done
    [ -n "$from" ] || misuse "nothing says where the release is"
    if [ -z "$dir" ]; then
        [ -n "${HOME:-}" ] || misuse "HOME is not set: say with --dir where the program is to be"
        dir=$HOME/.local/bin
    fi
    case $dir in
        /*) ;;
        *) dir=$PWD/$dir ;;
    esac
    for tool in cat chmod cp cut grep mkdir mktemp mv rm sed tail tr uname wc; do
        has "$tool" || fail "this machine has no $tool"
    done
    has sha256sum || has shasum || has openssl ||
        fail "nothing here computes a checksum: install sha256sum, shasum or openssl"

    find_target
    find_source
    # In the directory of the program, so that it gets its name in one step.
    mkdir -p "$dir" || fail "$dir cannot be made: choose another place with --dir"
    work=$(mktemp -d "$dir/.cckw-install.XXXXXX") || fail "nothing can be written to $dir: choose another place with --dir"
    trap 'rm -rf "$work"' EXIT
    trap 'exit 130' INT
    trap 'exit 129' HUP
    trap 'exit 143' TERM

    fetch manifest.json "$work/manifest.json" 262144
    check_signature
    read_manifest
    look_at_installed

    say "taking cckw $release for $target from $from"
    fetch "$url" "$work/cckw" "$size"
    [ "$(bytes "$work/cckw")" = "$size" ] ||
        fail "the download has $(bytes "$work/cckw") bytes and not $size: it was cut off or is another file; nothing was changed"
    [ "$(hash_of "$work/cckw")" = "$sha256" ] ||
        fail "the checksum of the download is not the one of the manifest; nothing was changed"
    chmod 755 "$work/cckw"
    said=$("$work/cckw" --version </dev/null 2>&1) || said="it does not run: $said"
    [ "$said" = "cckw $release" ] || fail "the new program does not work here ($(plain "$said")); nothing was changed"
    # A power cut must not leave an empty file under the name.
    if has sync; then sync "$work/cckw" 2>/dev/null || sync; fi
    mv -f "$work/cckw" "$dir/cckw"
    say "installed: $dir/cckw ($release)"
    advise
}

usage() {
    cat <<'TEXT'
Installs cckw from a release, or replaces an older one.

usage: sh install.sh [--from URL] [--dir DIR] [--key PUBLIC-KEY] [--force]

  --from URL   where the release is: https://…, file://…, or a directory; else $CCKW_RELEASE_URL
  --dir DIR    where the program is to be; ~/.local/bin, if not given
  --key KEY    minisign's public key of the release; else $CCKW_PUBLIC_KEY
  --force      also over the same or a newer cckw, or over a link
TEXT
}

say() { printf '%s\n' "cckw: $*"; }
say_line() { printf '    %s\n' "$1"; }
fail() {
    printf '%s\n' "cckw: $*" >&2
    exit 1
}
misuse() {
    printf '%s\n' "cckw: $*" >&2
    usage >&2
    exit 2
}
has() { command -v "$1" >/dev/null 2>&1; }
# Text that came from elsewhere, without what a terminal would act on.
plain() { printf '%s' "$1" | tr -cd ' -~' | cut -c 1-200; }
bytes() { wc -c <"$1" | tr -d ' '; }

# The target, as the manifest names it.
find_target() {
    system=$(uname -s) machine=$(uname -m)
    from_source="build it from its source, if Rust is there for it: cargo install --path . --locked"
    case $machine in
        x86_64 | amd64) cpu=x86_64 ;;
        aarch64 | arm64) cpu=aarch64 ;;
        *) fail "there is no cckw for $(plain "$system") on $(plain "$machine"); $from_source" ;;
    esac
    case $system in
        Linux) target=$cpu-unknown-linux-musl ;;
        Darwin)
            # A shell that is translated says that the machine is the other one.
            if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then cpu=aarch64; fi
            target=$cpu-apple-darwin
            ;;
        *) fail "there is no cckw for $(plain "$system"); $from_source" ;;
    esac
}

# What fetches the files of the release.
find_source() {
    from=${from%/}
    secure=''
    case $from in
        file:///*)
            from=${from#file://}
            by=copy
            ;;
        /* | ./* | ../* | .) by=copy ;;
        https://*)
            by=net
            secure=yes
            ;;
        # For tests: what goes to this machine itself, nobody else reads.
        http://127.0.0.1:* | http://localhost:*) by=net ;;
        *) fail "the release must be at https://…, file:///…, or in a directory, and not at $(plain "$from")" ;;
    esac
    if [ "$by" = copy ]; then
        [ -d "$from" ] || fail "there is no directory $from"
    elif has curl; then
        by=curl
    elif has wget; then
        by=wget
        if wget --help 2>&1 | grep -q BusyBox; then by=busybox_wget; fi
        if [ -n "$secure" ] && [ "$by" = busybox_wget ]; then
            fail "the wget of this machine does not check whom it talks to: install curl or GNU wget, or fetch the files in another way and name their directory with --from"
        fi
    else
        fail "neither curl nor wget is here: install one of them, or fetch the files in another way and name their directory with --from"
    fi
}

# fetch NAME FILE MAX-BYTES: a file of the release.
fetch() {
    case $by in
        copy) cp "$from/$1" "$2" || fail "$from/$1 cannot be read; nothing was changed" ;;
        *)
            # A server that never stops sending does not fill the disk: blocks are of 512 bytes, or of 1024 in some shells.
            (ulimit -f $(($3 / 512 + 1)) && "fetch_by_$by" "$from/$1" "$2") ||
                fail "$from/$1 could not be fetched; nothing was changed"
            ;;
    esac
    [ "$(bytes "$2")" -le "$3" ] || fail "$1 has more than $3 bytes; nothing was changed"
}

fetch_by_curl() {
    if [ -n "$secure" ]; then protocols='=https'; else protocols='=http'; fi
    curl -fsSL --proto "$protocols" --proto-redir "$protocols" --max-redirs 5 --connect-timeout 30 \
        --speed-limit 1 --speed-time 60 -o "$2" "$1"
}

# It has a deadline of its own, of 15 minutes. The one of Debian 12 crashes where another one is given.
fetch_by_busybox_wget() { wget -q -O "$2" "$1"; }

# It follows a redirect also from https to http; its notes tell.
fetch_by_wget() {
    if ! wget -t 3 --max-redirect=5 -T 60 -o "$work/notes" -O "$2" "$1"; then
        tail -n 2 "$work/notes" >&2
        return 1
    fi
    if [ -n "$secure" ] && grep -qi '^location: http:' "$work/notes"; then
        say "it was led to a place where nobody checks who answers" >&2
        return 1
    fi
}

# The signature covers the manifest, and the manifest has the checksum of the program.
check_signature() {
    if [ -z "$key" ]; then
        say "the signature is not checked: no public key was given (--key)"
    elif ! has minisign; then
        say "the signature is not checked: minisign is not installed"
    else
        fetch manifest.json.minisig "$work/manifest.json.minisig" 4096
        minisign -V -q -P "$key" -m "$work/manifest.json" -x "$work/manifest.json.minisig" >/dev/null ||
            fail "the manifest is not signed with that key; nothing was changed"
        say "the signature is right"
    fi
}

# field TEXT NAME: a text or a number in an object of JSON that has no blanks.
field() { printf '%s\n' "$1" | sed -n "s/.*[{,]\"$2\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

# Only what it needs, and that strictly: the version, and where the program is.
read_manifest() {
    text=$(tr -d ' \t\r\n' <"$work/manifest.json")
    [ "$(field "$text" version)" = 1 ] || fail "$from/manifest.json is not one that this script understands; take the script of that release"
    release=$(field "$text" release)
    is_version "$release" || fail "the manifest names no version"
    entry=$(printf '%s\n' "$text" | sed -n "s/.*\"$target\":\({[^{}]*}\).*/\1/p")
    [ -n "$entry" ] || fail "cckw $release is not there for $target; $from_source"
    url=$(field "$entry" url) size=$(field "$entry" size) sha256=$(field "$entry" sha256)
    case $url in
        '' | -* | /* | *..* | *[!A-Za-z0-9._+/-]*) fail "the manifest names no file below $from" ;;
    esac
    case $size in
        '' | 0* | *[!0-9]* | ??????????*) fail "the manifest has no size that can be right" ;;
    esac
    case $sha256 in
        *[!0-9a-f]*) sha256='' ;;
    esac
    [ ${#sha256} = 64 ] || fail "the manifest has no checksum that can be right"
}

# Whether it is X.Y.Z, maybe with -SOMETHING.
is_version() {
    case $1 in
        *[!0-9A-Za-z.+-]*) return 1 ;;
    esac
    case ${1%%[-+]*} in
        *[!0-9.]* | .* | *. | *..* | *.*.*.*) return 1 ;;
        *.*.*) return 0 ;;
        *) return 1 ;;
    esac
}

# Whether version $1 comes before version $2. Of two previews of one version nobody says that one does.
is_older() {
    left=${1%%[-+]*} right=${2%%[-+]*}
    if [ "$left" = "$right" ]; then
        case $1 in *-*) ;; *) return 1 ;; esac
        case $2 in *-*) return 1 ;; *) return 0 ;; esac
    fi
    while [ -n "$left" ]; do
        [ "${left%%.*}" = "${right%%.*}" ] || break
        left=${left#*.} right=${right#*.}
    done
    [ "${left%%.*}" -lt "${right%%.*}" ]
}

hash_of() {
    if has sha256sum; then
        sha256sum <"$1" | cut -d ' ' -f 1
    elif has shasum; then
        shasum -a 256 <"$1" | cut -d ' ' -f 1
    else
        openssl dgst -sha256 -r <"$1" | cut -d ' ' -f 1
    fi
}

# What has the name now.
look_at_installed() {
    now=$dir/cckw
    if [ -d "$now" ]; then fail "$now is a directory"; fi
    if [ -n "$force" ]; then return; fi
    if [ -L "$now" ]; then
        fail "$now is a link, which something else has put there; update it in that way, or add --force to replace it"
    fi
    if ! [ -e "$now" ]; then return; fi
    said=$("$now" --version </dev/null 2>/dev/null) || said=''
    installed=${said#cckw }
    if [ -z "$said" ] || [ "$said" = "$installed" ] || ! is_version "$installed"; then
        fail "$now is not a cckw that says its version; add --force to replace it"
    fi
    if [ "$installed" = "$release" ]; then
        say "cckw $release is installed already: $now"
        advise
        exit 0
    fi
    is_older "$installed" "$release" ||
        fail "$now is $installed, and the release is $release, which is not newer; add --force to replace it"
}

# Text as a shell reads it back.
quoted() {
    case $1 in
        *[!A-Za-z0-9/._+@:-]*) printf "'%s'" "$(printf '%s' "$1" | sed "s/'/'\\\\''/g")" ;;
        *) printf '%s' "$1" ;;
    esac
}

# What is left to do for the user.
advise() {
    shell=${SHELL:-sh} shell=${shell##*/}
    case $shell in
        fish)
            path_line="fish_add_path $(quoted "$dir")"
            claude_line='cckw shell-init fish | source'
            ;;
        bash | zsh)
            path_line="PATH=$(quoted "$dir"):\$PATH"
            claude_line="eval \"\$(cckw shell-init $shell)\""
            ;;
        *)
            path_line="PATH=$(quoted "$dir"):\$PATH"
            claude_line="alias claude='cckw claude'"
            ;;
    esac
    case ":${PATH:-}:" in
        *":$dir:"*)
            first=$(command -v cckw || :)
            if [ "$first" != "$dir/cckw" ]; then say "on your PATH another one comes first: $first"; fi
            ;;
        *)
            say "$dir is not on your PATH. Put this line into the start-up file of your shell:"
            say_line "$path_line"
            ;;
    esac
    say "to make \`claude\` mean \`cckw claude\`, put this line there:"
    say_line "$claude_line"
    say "to check what cckw depends on: cckw doctor"
}

main "$@"
