# cckw for fish. In ~/.config/fish/config.fish:  cckw shell-init fish | source

# The last command of the function is the program itself, so that ctrl-z stops it and nothing runs behind it.
function claude --description 'Claude Code, kept running by cckw'
    if command -q cckw
        cckw claude $argv
    else
        command claude $argv
    end
end

# The first claude on PATH may be a shim (cckw shell-init --shim). That is a link to cckw.
function claude-plain --wraps claude --description 'Claude Code without cckw'
    set -l shim (readlink (command -s claude; or echo -) 2>/dev/null)
    if string match -q '/*/cckw' -- $shim
        $shim plain $argv
    else
        command claude $argv
    end
end
