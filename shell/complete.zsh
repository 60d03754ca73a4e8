
# What `cckw complete` says to its last argument: what could stand there, and what it is.
_cckw_named() {
    local -a named
    local line
    for line in ${(f)"$(command cckw complete ${@[-1]} 2>/dev/null)"}; do
        named+=("${${line%%$'\t'*}//:/\\:}:${line#*$'\t'}")
    done
    _describe -t $1 $1 named
}
# The sessions that a verb, its last argument, could be about.
_cckw_sessions() { _cckw_named sessions ${@[-1]} }
# The machines, and with `all-machines` a word for all of them. Several have commas between them.
_cckw_machines() {
    compset -P '*,'
    _cckw_named machines ${@[-1]}
}
