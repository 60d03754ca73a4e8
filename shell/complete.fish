
# The sessions that a verb could be about.
function __fish_cckw_sessions
    command cckw complete $argv 2>/dev/null
end
for verb in attach detach start rename wait continue restart stop logs transcript screen send rm reconnect
    complete -c cckw -n "__fish_cckw_using_subcommand $verb" -f -a "(__fish_cckw_sessions $verb)"
end
complete -c cckw -n "__fish_cckw_using_subcommand reconnect" -l cycle -x -a "(__fish_cckw_sessions reconnect)"
