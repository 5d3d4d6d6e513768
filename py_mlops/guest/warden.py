"""Guards a program in a sandbox: its limits, its signals, its end.

The *gate* stays on the host and stands for the program there. The sandbox's
first process collects ended processes, and ends everything when all of it
together takes more memory than it may, or leaves the disk too little.
"""

from __future__ import annotations

import errno
import os
import resource
import select
import signal
import sys

from . import syscalls

TYPE_CHECKING = False  # see stage.py
if TYPE_CHECKING:
    from typing import Any, Iterator, Sequence

LOOK_SECONDS = 0.25
"""How often memory and disk are looked at."""

_GIB = 1 << 30


def gate(first: int, told: int, started_by: int, passed_on: Sequence[int]) -> int:
    """Stand for the program on the host until it ends.

    Args:
        first: The sandbox's first process.
        told: A pipe on which that one tells how the program ended.
        started_by: Whoever started us; when they are gone, the sandbox goes too.
        passed_on: Signals for the program; they are blocked here.

    Returns:
        The program's exit code. Ended by a signal, this process ends so too.
    """
    while True:
        got = signal.sigtimedwait([*passed_on, signal.SIGCHLD], 1)
        if got is not None and got.si_signo != signal.SIGCHLD:
            os.kill(first, got.si_signo)
        if os.getppid() != started_by:
            os.kill(first, signal.SIGKILL)
        ended, own_status = os.waitpid(first, os.WNOHANG)
        if ended:
            text = os.read(told, 16)
            return _end_as(int(text) if text else own_status)


def _end_as(status: int) -> int:
    if not os.WIFSIGNALED(status):
        return os.WEXITSTATUS(status)
    number = os.WTERMSIG(status)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [number])
    os.kill(os.getpid(), number)
    return 128 + number


def die_with_gate(tell: int) -> None:
    """Let nothing of the sandbox outlive the gate.

    Args:
        tell: The pipe whose other end the gate holds.
    """
    syscalls.die_with_parent(signal.SIGKILL)
    watch = select.poll()
    watch.register(tell, 0)
    if watch.poll(0):  # it went before we asked
        raise OSError(errno.ESRCH, os.strerror(errno.ESRCH), "parent")


def limit(limits: dict[str, Any]) -> None:
    """Set the limits of this process and all that it will start.

    Args:
        limits: By name, in bytes and numbers, as `py_mlops.sandbox.Limits` resolves them.
    """
    for kind, wanted in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_DATA, limits["memory"]),
        (resource.RLIMIT_NPROC, limits["processes"]),
        (resource.RLIMIT_FSIZE, limits["file"]),
        (resource.RLIMIT_NOFILE, limits["open_files"]),
    ):
        soft, hard = resource.getrlimit(kind)
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        # Programs that use select() break when the number of open files grows.
        grows = kind != resource.RLIMIT_NOFILE or soft == resource.RLIM_INFINITY
        resource.setrlimit(kind, (most if grows else min(soft, most), most))


def guard(program: int, limits: dict[str, Any], tell: int) -> int:
    """Be the first process of a sandbox until its program ends; everything ends with it.

    Args:
        program: The program's process, the leader of its own group.
        limits: As for `limit`.
        tell: Where its status is told.

    Returns:
        Our own exit code, which nobody needs.
    """
    sent = set(signal.pthread_sigmask(signal.SIG_BLOCK, []))
    reason = ""
    while True:
        got = signal.sigtimedwait(sent, LOOK_SECONDS)
        if got is not None and got.si_signo != signal.SIGCHLD:
            _pass_on(program, got.si_signo)
        for process, status in _ended():
            if process == program:
                os.write(tell, str(status).encode())
                return 0
        if not reason:
            reason = _too_much(limits)
            if reason:
                sys.stderr.write(f"\nsandbox: ended: {reason}\n")
                sys.stderr.flush()
                os.kill(-1, signal.SIGKILL)


def _pass_on(program: int, number: int) -> None:
    try:  # noqa: SIM105 - contextlib would cost 10 ms
        os.killpg(program, number)
    except ProcessLookupError:
        pass  # it ended just now


def _ended() -> Iterator[tuple[int, int]]:
    while True:
        try:
            process, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if not process:
            return
        yield process, status


def _too_much(limits: dict[str, Any]) -> str:
    """Return why the sandbox must end; empty when it need not."""
    processes = [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]
    used = sum(_resident(process) for process in processes)
    if used > limits["memory"]:
        # Forked processes share pages; only this slower count takes each page once.
        used = sum(_share(process) for process in processes)
    if used > limits["memory"]:
        return "its processes used {:.1f} GiB of memory, and may use {:.1f} GiB".format(
            used / _GIB, limits["memory"] / _GIB
        )
    for place in (os.statvfs("/"), os.fstatvfs(2)):
        left = place.f_bavail * place.f_frsize
        if place.f_blocks and left < limits["reserve"]:
            return "it filled the disk: {:.1f} GiB are left, and {:.1f} GiB have to stay".format(
                left / _GIB, limits["reserve"] / _GIB
            )
    return ""


def _resident(process: str) -> int:
    try:
        return _bytes(f"/proc/{process}/status", ("RssAnon:", "RssShmem:", "VmSwap:"))
    except OSError:
        return 0  # it ended since it was listed


def _share(process: str) -> int:
    try:
        fields = ("Pss_Anon:", "Pss_Shmem:", "SwapPss:")
        return _bytes(f"/proc/{process}/smaps_rollup", fields)
    except OSError:
        return _resident(process)  # it lets nobody look


def _bytes(path: str, wanted: Sequence[str]) -> int:
    with open(path) as file:
        lines = [line.split() for line in file]
    return sum(int(line[1]) << 10 for line in lines if line and line[0] in wanted)
