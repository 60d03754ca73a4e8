# cckw for zsh. In ~/.zshrc, behind compinit:  eval "$(cckw shell-init zsh)"

function claude {
    if whence -p cckw >/dev/null; then
        command cckw claude "$@"
    else
        command claude "$@"
    fi
}

# Claude Code without cckw. The first claude on PATH may be a shim (cckw shell-init --shim). That is a link to cckw.
function claude-plain {
    local shim
    shim=$(readlink "$(whence -p claude)" 2>/dev/null) || :
    case $shim in
        (/*/cckw) "$shim" plain "$@" ;;
        (*) command claude "$@" ;;
    esac
}

# At the prompt an alias goes before the function: zsh forgets the name and the exit status of a job that was stopped
# (ctrl-z) inside a function. What an alias of yours adds to claude stays; one that names another program is replaced.
if [[ -o interactive ]] && whence -p cckw >/dev/null; then
    case ${aliases[claude]-} in
        ('cckw claude'*) ;;
        (claude | claude\ *) alias claude="cckw ${aliases[claude]}" ;;
        (*) alias claude='cckw claude' ;;
    esac
else
    case ${aliases[claude]-} in
        ('' | claude | claude\ *) ;;
        (*) unalias claude ;;
    esac
fi
