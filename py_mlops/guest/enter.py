"""Enters a sandbox and runs a program in it: who is started, and in which order.

``main([PLAN, COMMAND, ...])`` is called in a process of its own; ``PLAN`` is
what `py_mlops.sandbox.command` writes. The process that was started stays
outside as the *gate*: it passes signals in and the exit code out, and dies with
whoever started it. Its child is the sandbox's first process, see
`py_mlops.guest.warden`, and that one's child is the program.

Two user namespaces are made. The first may mount; the second, in which the
program runs, owns nothing and maps nobody but the sandbox's user. Where root
starts it, that user is nobody on the host; else it is whoever starts it.
"""

from __future__ import annotations

import errno
import json
import os
import signal
import sys
import warnings  # noqa: F401 - os.execvp wants it, when nothing can be imported any more

from . import stage, syscalls, warden

TYPE_CHECKING = False  # see stage.py
if TYPE_CHECKING:
    from typing import Any

NOBODY = 65534
"""The user on the host that a sandbox of root runs as."""

NO_SANDBOX, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
"""Exit codes, as `env` and container engines use them."""

PASSED_ON = (
    signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2,
    signal.SIGCONT, signal.SIGTSTP,
)  # fmt: skip


def main(arguments: list[str]) -> int:
    """Run a program in a sandbox.

    Returns:
        Its exit code; where a signal ended it, this process ends by that one too.
    """
    plan, command = json.loads(arguments[0]), arguments[1:]
    signal.pthread_sigmask(signal.SIG_BLOCK, [*PASSED_ON, signal.SIGCHLD])
    os.environ.pop("JPY_PARENT_PID", None)  # a process of the host, which has no meaning inside
    started_by = os.getppid()
    try:
        drop = _may_become_nobody()
        owners = _owners() if drop else None
        _prepare(plan, nobody=drop, chown=drop and owners is None)
        told, tell = os.pipe()
        trees = _own_namespaces(plan, owners, drop)
        first = os.fork()
    except OSError as error:
        return _failed(error)
    if first == 0:
        try:
            os._exit(_first(plan, command, trees, tell, drop))
        except BaseException as error:  # whatever it is, only one of the two may go on
            sys.stderr.write(f"sandbox: {error!r}\n")
            os._exit(NO_SANDBOX)
    os.close(tell)
    for tree, _ in trees.values():
        os.close(tree)
    os.chdir("/")
    return warden.gate(first, told, started_by, PASSED_ON)


def _failed(error: OSError) -> int:
    sys.stderr.write("sandbox: {}: {}\n".format(error.filename or "failed", error.strerror))
    return NO_SANDBOX


def _may_become_nobody() -> bool:
    """Say whether this is a root that can hand its sandbox to another user."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map") as file:
        ranges = [[int(number) for number in line.split()] for line in file]
    return any(first <= NOBODY < first + count for first, _, count in ranges) and all(
        _has_capability(number)
        for number in (6, 7, 0)  # set gid, set uid, change owner
    )


def _has_capability(number: int) -> bool:
    with open("/proc/self/status") as file:
        effective = next(line for line in file if line.startswith("CapEff:"))
    return bool(int(effective.split()[1], 16) >> number & 1)


def _owners() -> int | None:
    """Return a user namespace that makes files of root those of nobody, if that works here."""
    ready, go = os.pipe(), os.pipe()
    child = os.fork()
    if child == 0:
        try:
            syscalls.unshare(syscalls.NEWUSER)
            os.write(ready[1], b"1")
            os.close(go[1])
            os.read(go[0], 1)
        finally:
            os._exit(0)
    os.close(ready[1])
    try:
        if os.read(ready[0], 1) != b"1":
            return None
        for name in ("uid_map", "gid_map"):
            _write(f"/proc/{child}/{name}", f"0 {NOBODY} 1")
        return os.open(f"/proc/{child}/ns/user", os.O_RDONLY)
    except OSError:
        return None
    finally:
        for number in (ready[0], *go):
            os.close(number)
        os.waitpid(child, 0)


def _prepare(plan: dict[str, Any], *, nobody: bool, chown: bool) -> None:
    """Make the folders that catch writes; note when the run began."""
    for path in plan["layered"]:
        for name in ("upper", "work"):
            folder = os.path.join(plan["layers"], path.replace("/", "%"), name)
            os.makedirs(folder, exist_ok=True)
            if nobody and name == "upper":
                os.chown(folder, NOBODY, NOBODY)
    if chown:
        for path in [plan["mirror"], *plan["writable"]]:
            _give_away(path)
    os.makedirs(plan["layers"], exist_ok=True)
    if not os.path.exists(plan["note"]):  # a kernel that is started again writes on
        _write(plan["note"], json.dumps([*plan["readable"], *plan["writable"]]))


def _give_away(path: str) -> None:
    os.lchown(path, NOBODY, NOBODY)
    for folder, folders, files in os.walk(path):
        for name in [*folders, *files]:
            os.lchown(os.path.join(folder, name), NOBODY, NOBODY)


def _own_namespaces(plan: dict[str, Any], owners: int | None, drop: bool) -> stage.Trees:
    """Leave the host's namespaces; return what was opened of its files on the way."""
    flags = syscalls.NEWUSER | syscalls.NEWNS | syscalls.NEWPID | syscalls.NEWIPC | syscalls.NEWUTS
    flags |= syscalls.NEWCGROUP | (0 if plan["network"] else syscalls.NEWNET)
    early = stage.open_trees(plan, owners) if owners is not None else None
    ready, go = os.pipe()
    process = os.getpid()
    mapper = os.fork()
    if mapper == 0:  # outside of the new namespace, where there is somebody to map
        os.close(go)
        os._exit(_map(process, drop) if os.read(ready, 1) == b"1" else 0)
    try:
        syscalls.unshare(flags)
        os.write(go, b"1")
    finally:
        os.close(ready)
        os.close(go)
        status = os.WEXITSTATUS(os.waitpid(mapper, 0)[1])
    if status:
        raise OSError(status, os.strerror(status), "user namespace")
    syscalls.keep_mounts_to_ourselves()
    return early if early is not None else stage.open_trees(plan, None)


def _map(process: int, drop: bool) -> int:
    """Say who is who in a process's new namespace; return an error's number."""
    users, groups = f"0 {os.geteuid()} 1\n", f"0 {os.getegid()} 1\n"
    further = f"{stage.INSIDE} {NOBODY} 1\n" if drop else ""
    try:
        if not drop:
            _write(f"/proc/{process}/setgroups", "deny")
        _write(f"/proc/{process}/uid_map", users + further)
        _write(f"/proc/{process}/gid_map", groups + further)
    except OSError as error:
        return error.errno or errno.EPERM
    return 0


def _first(
    plan: dict[str, Any], command: list[str], trees: stage.Trees, tell: int, drop: bool
) -> int:
    """Be the sandbox's first process: set the stage, step down, start and guard the program."""
    try:
        os.setsid()
        stage.build(plan, trees, drop=drop)
        if not plan["network"]:
            syscalls.raise_loopback()
        syscalls.name_host(plan["name"])
        _write("/proc/sys/user/max_user_namespaces", "1")  # the one made right below
        stage.guard_proc()
        _step_down(drop)
        warden.die_with_gate(tell)
        program = os.fork()
        if program == 0:
            os._exit(_program(plan, command))
    except OSError as error:
        return _failed(error)
    return warden.guard(program, plan["limits"], tell)


def _step_down(drop: bool) -> None:
    """Become the sandbox's user, in a namespace that owns nothing, without any capability."""
    syscalls.leave_keyrings()
    user = 0
    if drop:
        user = stage.INSIDE
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
        syscalls.be_open_to_peers(True)
    syscalls.unshare(syscalls.NEWUSER)
    if drop:
        _write("/proc/self/setgroups", "deny")
    for name in ("uid_map", "gid_map"):
        _write("/proc/self/" + name, f"{stage.INSIDE} {user} 1")
    syscalls.give_up_capabilities()
    syscalls.be_open_to_peers(False)


def _program(plan: dict[str, Any], command: list[str]) -> int:
    """Become the program; return only when that fails."""
    try:
        os.setsid()
        os.chdir(plan["directory"])
        warden.limit(plan["limits"])
    except OSError as error:
        return _failed(error)
    os.closerange(3, os.sysconf("SC_OPEN_MAX"))
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    try:
        os.execvp(command[0], command)  # noqa: S606 - a shell is what nobody wants here
    except OSError as error:
        sys.stderr.write(f"sandbox: {command[0]}: {error.strerror}\n")
        return NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)
