
# The sessions that a verb, its last argument, could be about.
_cckw_sessions() {
    local -a sessions
    sessions=(${(f)"$(command cckw complete ${@[-1]} 2>/dev/null)"})
    sessions=(${sessions/$'\t'/:})
    _describe -t sessions session sessions
}
