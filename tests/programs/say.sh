#!/bin/sh
# Says by which name it was called, and with what, each argument in brackets.
printf '%s' "${0##*/}"
for argument; do printf ' [%s]' "$argument"; done
printf '\n'
