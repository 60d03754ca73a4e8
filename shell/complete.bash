
# Where a session is to be named: those that the verb could be about.
_cckw_sessions() {
    _cckw "$@"
    local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]-} word about
    [[ $COMP_CWORD -ge 2 && $cur != -* ]] || return 0
    case $verb in
        attach | detach | start | rename | wait | continue | restart | stop | logs | transcript | screen | send | rm | reconnect) ;;
        *) return 0 ;;
    esac
    # What these options take is no session.
    case ${COMP_WORDS[COMP_CWORD - 1]} in
        --pid | --statuses | --sessions-dir | --env | --for | --tail | --when | --timeout) return 0 ;;
    esac
    COMPREPLY=()
    while IFS=$'\t' read -r word about; do
        if [[ -n $word && $word == "$cur"* ]]; then COMPREPLY+=("$word"); fi
    done <<<"$(command cckw complete "$verb" 2>/dev/null)"
    # A file is no session.
    compopt +o default +o bashdefault 2>/dev/null || true
}
complete -F _cckw_sessions -o bashdefault -o default cckw
