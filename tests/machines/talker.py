#!/usr/bin/env python3
"""Stands for claude where each key counts: talks all the time, as in a long answer, and notes in ~/keys when each read of its
terminal came (CLOCK_MONOTONIC, in seconds) and what it had, in hexadecimal digits. ctrl-d ends it with status 7."""

import os
import select
import time
import tty

tty.setraw(0)
keys = os.open(os.path.expanduser("~/keys"), os.O_CREAT | os.O_APPEND | os.O_WRONLY, 0o600)
os.write(1, b"READY\r\n")
number = 0
while True:
    ready, _, _ = select.select([0], [], [], 0.05)
    if ready:
        read = os.read(0, 65536)
        os.write(keys, b"%.4f %s\n" % (time.monotonic(), read.hex().encode()))
        if not read or b"\x04" in read:
            raise SystemExit(7)
    else:
        number += 1
        os.write(1, b"tick %d\r\n" % number)
