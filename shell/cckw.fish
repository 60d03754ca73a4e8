# cckw for fish. In ~/.config/fish/config.fish:  cckw shell-init fish | source

# The last command of the function is the program itself, so that ctrl-z stops it and nothing runs behind it.
function claude --description 'Claude Code, kept running by cckw'
    if command -q cckw
        command cckw claude $argv
    else
        command claude $argv
    end
end

function claude-plain --wraps claude --description 'Claude Code without cckw'
    command claude $argv
end
