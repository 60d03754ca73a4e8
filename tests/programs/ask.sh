#!/bin/sh
# Waits for a line, so that it can be stopped meanwhile, and says when it goes on. Ends with status 3.
trap 'echo going on' CONT
printf 'ready: %s\n' "$*"
until read -r line; do :; done
printf 'read: %s\n' "$line"
exit 3
