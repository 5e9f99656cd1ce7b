"""Holds an advisory lock on a file for a process that has no system call for it.

usage: hold_lock.py FILE

Says `waiting` if somebody else holds it, `held` once it is ours, and lets go when its input closes, which the
kernel sees to when the process at the other end is killed: no lock is ever left behind.
"""

import fcntl
import signal
import sys

signal.signal(signal.SIGINT, signal.SIG_IGN)
with open(sys.argv[1], "a") as lock:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        print("waiting", flush=True)
        fcntl.flock(lock, fcntl.LOCK_EX)
    print("held", flush=True)
    sys.stdin.read()
