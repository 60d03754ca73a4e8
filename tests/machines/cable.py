#!/usr/bin/env python3
"""A slow cable: two interfaces, and each frame that comes in at one goes out at the other after a while.

    cable.py NAME MILLISECONDS

makes the interfaces NAME-a and NAME-b, says `ready`, and carries frames until it is killed. The kernel's own
delay (tc netem) is not in every kernel; this needs /dev/net/tun only. With 0 milliseconds it is a cable as any.
"""

import collections
import fcntl
import os
import selectors
import struct
import sys
import time

TUNSETIFF = 0x400454CA
IFF_TAP_WITHOUT_HEADER = 0x0002 | 0x1000
# What does not fit is dropped, as by a switch. At 50 ms it is some 200 Mbit a second.
MOST_WAITING = 4096


def interface(name):
    """A TAP interface. Its frames have their checksums and are not longer than the interface allows."""
    descriptor = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP_WITHOUT_HEADER))
    return descriptor


def frames(descriptor):
    """All that wait there now."""
    while True:
        try:
            yield os.read(descriptor, 65536)
        except OSError:  # none, or the interface is down
            return


def main():
    name, delay = sys.argv[1], float(sys.argv[2]) / 1000
    ends = [interface(f"{name}-a"), interface(f"{name}-b")]
    others = dict(zip(ends, reversed(ends)))
    print("ready", flush=True)
    selector = selectors.SelectSelector()  # to the microsecond; epoll waits in milliseconds
    for end in ends:
        selector.register(end, selectors.EVENT_READ)
    waiting = collections.deque()
    while True:
        wait = max(0, waiting[0][0] - time.monotonic()) if waiting else None
        for key, _ in selector.select(wait):
            for frame in frames(key.fd):
                if len(waiting) < MOST_WAITING:
                    waiting.append((time.monotonic() + delay, others[key.fd], frame))
        while waiting and waiting[0][0] <= time.monotonic():
            _, end, frame = waiting.popleft()
            try:
                os.write(end, frame)
            except OSError:  # full, or down: lost, as on a cable
                pass


if __name__ == "__main__":
    main()
