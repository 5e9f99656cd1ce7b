"""Runs one command and never lets it outlive whoever is in charge of it.

usage: watchdog.py GRACE COMMAND...      (descriptor 3: a socket to the parent)

It tells the parent the command's process id, then waits for the first of:
- the command ends: ends with the same exit code;
- the parent closes the socket, which also happens when the parent is killed: ends the command;
- the parent writes `release`: from now on only a signal ends it, so that a stack can stay up;
- SIGTERM, SIGINT or SIGHUP: ends the command.
Ending means SIGTERM, then SIGKILL after GRACE seconds, then SIGKILL for what is left of its process group.
If this process itself is killed, the kernel kills the command (Linux).
"""

import ctypes
import os
import select
import signal
import socket
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def main() -> None:
    grace, command = float(sys.argv[1]), sys.argv[2:]
    parent = socket.socket(fileno=3)
    signals, wakeup = socket.socketpair()
    wakeup.setblocking(False)
    signal.set_wakeup_fd(wakeup.fileno())
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD):
        signal.signal(number, lambda *_: None)

    try:
        server = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True, preexec_fn=die_with_watchdog
        )
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")
    tell(parent, f"{server.pid}\n")

    released = False
    while server.poll() is None:
        ready, _, _ = select.select([signals] if released else [signals, parent], [], [])
        if signals in ready and set(signals.recv(64)) - {signal.SIGCHLD}:
            break
        if parent in ready:
            released = receive(parent).startswith(b"release")
            if not released:
                break
            parent.close()
    end(server, grace)
    code = server.returncode
    sys.exit(code if code >= 0 else 128 - code)


def end(server: subprocess.Popen, grace: float) -> None:
    if server.poll() is None:
        server.terminate()
        try:
            server.wait(grace)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(server.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    server.wait()


def die_with_watchdog() -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def tell(parent: socket.socket, text: str) -> None:
    try:
        parent.sendall(text.encode())
    except OSError:
        pass  # The parent is gone already; the loop will notice.


def receive(parent: socket.socket) -> bytes:
    try:
        return parent.recv(64)
    except OSError:
        return b""


main()
