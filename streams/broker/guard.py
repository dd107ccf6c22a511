"""Runs one program for a parent and ends it when the parent is gone, however that came about.

A script of its own, started as `guard.py PARENT_PID REMOVE_FOLDER PROGRAM ARGUMENT...` (REMOVE_FOLDER may be empty).
The parent holds the other end of standard input and never writes to it: the kernel closes it even when the parent is
killed. Prints the program's process id, and exits with the program's own code.
"""

import ctypes
import os
import select
import shutil
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1
GRACE_SECONDS = 3
PARENT_LOOK_SECONDS = 0.5


def _die_with_guard() -> None:
    # Linux only, and only in case the guard itself is killed; elsewhere the open pipe has to do.
    libc = ctypes.CDLL(None, use_errno=True)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _wake_when_a_child_ends() -> int:
    """A file descriptor that becomes readable at SIGCHLD, so that one select() waits for the program and the parent."""
    readable, writable = os.pipe()
    os.set_blocking(readable, False)
    os.set_blocking(writable, False)
    signal.signal(signal.SIGCHLD, lambda _number, _frame: None)
    signal.set_wakeup_fd(writable)
    return readable


def _watch(program: "subprocess.Popen[bytes]", parent: int, wake: int) -> None:
    """Return when the program has ended or the parent is gone."""
    # A process that the parent forked may hold the pipe open longer than the parent lives: so ask for the parent, too.
    while program.poll() is None and os.getppid() == parent:
        readable, _, _ = select.select([sys.stdin, wake], [], [], PARENT_LOOK_SECONDS)
        if sys.stdin in readable:
            return
        if wake in readable:
            os.read(wake, 64)


def _end(program: "subprocess.Popen[bytes]", *, in_order: bool) -> None:
    if in_order:
        program.send_signal(signal.SIGCONT)  # a paused program hears nothing
        program.terminate()
        try:
            program.wait(GRACE_SECONDS)
        except subprocess.TimeoutExpired:
            pass
        else:
            return
    program.kill()
    program.wait()


def main(parent: int, remove_folder: str, command: list[str]) -> int:
    """Run the program until it ends or the parent does."""
    wake = _wake_when_a_child_ends()
    # Its output must not go where ours goes: nobody reads that pipe again, and a full one would stop the program.
    program = subprocess.Popen(  # the preexec_fn is safe: there is one thread
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        preexec_fn=_die_with_guard,  # noqa: PLW1509
    )
    # After the start, or the program would inherit the deafness: it must hear the SIGTERM that stops it in order.
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    print(program.pid, flush=True)
    _watch(program, parent, wake)
    if program.poll() is None:
        _end(program, in_order=not remove_folder)  # data that nobody will read again needs no orderly end
        if remove_folder:
            shutil.rmtree(remove_folder, ignore_errors=True)
    return program.returncode if program.returncode >= 0 else 128 - program.returncode


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), sys.argv[2], sys.argv[3:]))
