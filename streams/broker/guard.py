"""Runs one program for a parent and ends it when the parent is gone, however that came about.

Started as a script of its own: `guard.py REMOVE_FOLDER PROGRAM ARGUMENT...` (REMOVE_FOLDER may be empty). The parent
holds the other end of standard input and never writes to it: the kernel closes it even when the parent is killed.
Prints the program's process id. Exits with the program's own code.
"""

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import threading

PR_SET_PDEATHSIG = 1


def _die_with_guard() -> None:
    # Linux only, and only in case the guard itself is killed; elsewhere the open pipe has to do.
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _exit_with(program: "subprocess.Popen[bytes]") -> None:
    code = program.wait()
    os._exit(code if code >= 0 else 128 - code)


def main(remove_folder: str, command: list[str]) -> None:
    """Run the program until it ends or the parent does."""
    program = subprocess.Popen(command, stdin=subprocess.DEVNULL, preexec_fn=_die_with_guard)  # noqa: PLW1509 - one thread
    # After the start, or the program would inherit the deafness: it must hear the SIGTERM that stops it in order.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    print(program.pid, flush=True)
    threading.Thread(target=_exit_with, args=(program,), daemon=True).start()
    sys.stdin.buffer.read()
    program.kill()
    program.wait()
    if remove_folder:
        shutil.rmtree(remove_folder, ignore_errors=True)
    os._exit(0)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
