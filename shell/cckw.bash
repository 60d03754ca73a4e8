# cckw for bash. In ~/.bashrc:  eval "$(cckw shell-init bash)"

# An alias goes before a function. One that only adds flags (claude --verbose) still reaches it and stays; one
# that names another program would go past it.
case $(alias claude 2>/dev/null) in
    '' | "alias claude='claude'" | "alias claude='claude "*) ;;
    *) unalias claude ;;
esac

# The last command of the function is the program itself, so that ctrl-z stops it and nothing runs behind it.
function claude {
    if type -P cckw >/dev/null; then
        cckw claude "$@"
    else
        command claude "$@"
    fi
}

# Claude Code without cckw. A POSIX shell has no such names.
if ! shopt -qo posix; then
    # The first claude on PATH may be a shim (cckw shell-init --shim). That is a link to cckw.
    function claude-plain {
        local shim
        shim=$(readlink "$(type -P claude)" 2>/dev/null) || :
        case $shim in
            /*/cckw) "$shim" plain "$@" ;;
            *) command claude "$@" ;;
        esac
    }
fi
