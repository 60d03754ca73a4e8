# cckw for zsh. In ~/.zshrc, behind compinit:  eval "$(cckw shell-init zsh)"

# An alias goes before a function. One that only adds flags (claude --verbose) still reaches it and stays; one
# that names another program would go past it.
case ${aliases[claude]-} in
    ('' | claude | claude\ *) ;;
    (*) unalias claude ;;
esac

# The last command of the function is the program itself, so that ctrl-z stops it and nothing runs behind it.
function claude {
    if whence -p cckw >/dev/null; then
        command cckw claude "$@"
    else
        command claude "$@"
    fi
}

# Claude Code without cckw.
function claude-plain {
    command claude "$@"
}
