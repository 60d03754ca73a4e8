
# Where a session is to be named: those that the verb could be about. Where a machine is: the machines.
_cckw_sessions() {
    _cckw "$@"
    local cur=${COMP_WORDS[COMP_CWORD]} verb=${COMP_WORDS[1]-} ask='' word about
    # bash divides MACHINE:SESSION into three words, as COMP_WORDBREAKS says.
    local line=${COMP_LINE:0:COMP_POINT}
    local typed=${line##*[[:space:]]}
    local option=${line%"$typed"}
    option=${option%"${option##*[![:space:]]}"}
    option=${option##*[[:space:]]}
    [[ $COMP_CWORD -ge 2 && ( $cur != -* || $cur == --on=* ) ]] || return 0
    case $verb in
        attach | detach | start | rename | wait | continue | restart | stop | logs | transcript | screen | send | rm | reconnect) ask=$verb ;;
        new | adopt) [[ $typed != */* && $option == "$verb" ]] && ask=$verb ;;
        machine) case ${COMP_WORDS[2]-} in check | rm) [[ $COMP_CWORD -ge 3 ]] && ask=machines ;; esac ;;
    esac
    case $option in
        --on) ask=all-machines ;;
        # What these options take is no session.
        --pid | --statuses | --sessions-dir | --env | --for | --tail | --when | --timeout | --prompt | --columns) return 0 ;;
    esac
    # Several machines have commas between them.
    local before=''
    if [[ $typed == --on=* ]]; then
        ask=all-machines typed=${typed#--on=}
        [[ $COMP_WORDBREAKS == *=* ]] || before='--on='
    fi
    if [[ $ask == all-machines && $typed == *,* ]]; then
        before+=${typed%,*}, typed=${typed##*,}
    fi
    [[ -n $ask ]] || return 0
    local found=()
    while IFS=$'\t' read -r word about; do
        if [[ -n $word && $word == "$typed"* ]]; then found+=("$before$word"); fi
    done <<<"$(command cckw complete "$ask" 2>/dev/null)"
    # A directory may stand there as well.
    if [[ $verb == new && ${#found[@]} -eq 0 ]]; then return 0; fi
    COMPREPLY=("${found[@]}")
    if [[ ${#found[@]} -eq 1 && ${found[0]} == *: ]]; then compopt -o nospace 2>/dev/null; fi
    # What stands before the last `:` is in the line already.
    if [[ $typed == *:* && $COMP_WORDBREAKS == *:* ]]; then
        COMPREPLY=("${COMPREPLY[@]#"${typed%"${typed##*:}"}"}")
    fi
    # A file is no session.
    compopt +o default +o bashdefault 2>/dev/null || true
}
complete -F _cckw_sessions -o bashdefault -o default cckw
