
# The sessions that a verb could be about; with `machines` the machines.
function __fish_cckw_sessions
    command cckw complete $argv 2>/dev/null
end
for verb in attach detach start rename wait continue restart stop logs transcript screen send rm reconnect
    complete -c cckw -n "__fish_cckw_using_subcommand $verb" -f -a "(__fish_cckw_sessions $verb)"
end
for verb in new adopt
    complete -c cckw -n "__fish_cckw_using_subcommand $verb" -a "(__fish_cckw_sessions $verb)"
end
complete -c cckw -n "__fish_cckw_using_subcommand reconnect" -l cycle -x -a "(__fish_cckw_sessions reconnect)"
for verb in list detect doctor
    complete -c cckw -n "__fish_cckw_using_subcommand $verb" -l on -x -a "(__fish_complete_list , '__fish_cckw_sessions all-machines')"
end
complete -c cckw -n "__fish_cckw_using_subcommand machine; and __fish_seen_subcommand_from check rm" -f -a "(__fish_cckw_sessions machines)"
