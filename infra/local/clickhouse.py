"""Runs ClickHouse's own HTTP server out of libchdb.so.

usage: clickhouse.py LIBRARY HTTP_PORT DATA_FOLDER CONFIG

The library exports clickhouse-local's main, and clickhouse-local can listen. Two things make a server of it:
- Its standard input is a terminal of our own and it runs interactively. Otherwise it would end at the end of its
  input, and one malformed request would end the process.
- It runs on a thread whose stack this process made, because the engine measures the stack it stands on.

SIGTERM and SIGINT type `exit`, which ends it in order; a second one ends it at once.
"""

import ctypes
import os
import resource
import signal
import sys
import threading
import tty

STOP = {signal.SIGTERM, signal.SIGINT}
STACK_BYTES = 64 << 20


def main() -> None:
    library, port, data, config = sys.argv[1:]
    # Blocked before any thread exists, so that every thread of the engine inherits it and only `wait_for_stop` is told.
    signal.pthread_sigmask(signal.SIG_BLOCK, STOP)
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))

    terminal, engine_side = os.openpty()
    tty.setraw(engine_side)
    os.dup2(engine_side, 0)
    threading.Thread(target=wait_for_stop, args=(terminal,), daemon=True).start()
    threading.Thread(target=drain, args=(terminal,), daemon=True).start()

    arguments = [
        "clickhouse-local",
        f"--config-file={config}",
        f"--path={data}",
        "--interactive",
        "--listen_host=127.0.0.1",
        f"--http_port={port}",
        "--query=SYSTEM START LISTEN HTTP",
    ]
    threading.stack_size(STACK_BYTES)
    engine = threading.Thread(target=run, args=(library, arguments))
    engine.start()
    engine.join()


def run(library: str, arguments: list[str]) -> None:
    chdb = ctypes.CDLL(library)
    argv = (ctypes.c_char_p * (len(arguments) + 1))(*[a.encode() for a in arguments], None)
    os._exit(chdb.chdb_query_cmdline(len(arguments), argv))


def wait_for_stop(terminal: int) -> None:
    signal.sigwait(STOP)
    os.write(terminal, b"\nexit\n")
    signal.sigwait(STOP)
    os._exit(1)


def drain(terminal: int) -> None:
    while True:
        os.read(terminal, 65536)


main()
