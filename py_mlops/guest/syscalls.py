"""The Linux calls a sandbox is made of, for which Python has no functions of its own."""

from __future__ import annotations

import ctypes
import os
import struct

NEWNS = 0x00020000
NEWCGROUP = 0x02000000
NEWUTS = 0x04000000
NEWIPC = 0x08000000
NEWUSER = 0x10000000
NEWPID = 0x20000000
NEWNET = 0x40000000

READ_ONLY, NO_SETUID, NO_DEVICES = 1, 2, 4
"""Attributes of a mount, as `mount_setattr` counts them."""

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 2, 4, 8, 0x4000, 0x40000
_MNT_DETACH = 2
# Numbers that all architectures share, as every call since 2019.
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442
_OPEN_TREE_CLONE, _AT_EMPTY_PATH, _AT_RECURSIVE = 1, 0x1000, 0x8000
_AT_FDCWD, _FROM_DESCRIPTOR, _IDMAP = -100, 4, 0x100000
_KEYCTL = {"x86_64": 250, "aarch64": 219}
_JOIN_SESSION_KEYRING = 1
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_CAPBSET_DROP = 1, 4, 24
_PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT, _CLEAR_ALL = 38, 47, 4
_INTERNET, _DATAGRAMS, _SET_FLAGS, _UP_AND_RUNNING = 2, 2, 0x8914, 0x41
_CAPABILITIES = 64  # more than there are
_CAPABILITY_VERSION = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]
_libc.syscall.restype = ctypes.c_long


def unshare(flags: int) -> None:
    """Leave the host's namespaces of these kinds for new ones."""
    _check(_libc.unshare(flags), "unshare")


def keep_mounts_to_ourselves() -> None:
    """Let no mount of this namespace reach the host's, nor the other way round."""
    _check(_libc.mount(b"none", b"/", b"none", _MS_REC | _MS_PRIVATE, b""), "mount on /")


def mount(
    kind: str, target: str, options: str = "", *, programs: bool = False, devices: bool = False
) -> None:
    """Mount a new file system; setuid programs mean nothing on it.

    Args:
        kind: Such as ``tmpfs``.
        target: An existing folder.
        options: As after ``mount -o``.
        programs: Whether programs may be started from it.
        devices: Whether device nodes on it work.
    """
    flags = _MS_NOSUID | (0 if devices else _MS_NODEV) | (0 if programs else _MS_NOEXEC)
    name = kind.encode()
    result = _libc.mount(name, os.fsencode(target), name, flags, os.fsencode(options))
    _check(result, f"mount {kind} on {target}")


def pivot(root: str, old: str) -> None:
    """Make a mount the root; the root of before is then found at ``old``."""
    _check(_libc.pivot_root(os.fsencode(root), os.fsencode(old)), "pivot_root")


def let_go(target: str) -> None:
    """Take away a mount and everything below it."""
    _check(_libc.umount2(os.fsencode(target), _MNT_DETACH), "umount " + target)


def open_tree(path: str) -> int:
    """Return a descriptor of a copy of the mounts at a path, which `attach` takes."""
    flags = _OPEN_TREE_CLONE | _AT_RECURSIVE | os.O_CLOEXEC
    return _syscall(
        "open " + path, _OPEN_TREE, _AT_FDCWD, ctypes.c_char_p(os.fsencode(path)), flags
    )


def set_mount(tree: int, attributes: int, owners: int | None = None) -> None:
    """Set attributes of all mounts of a tree.

    Args:
        tree: From `open_tree`.
        attributes: Such as ``READ_ONLY``.
        owners: A user namespace whose map says who owns its files instead.
    """
    if owners is not None:
        attributes |= _IDMAP
    wanted = struct.pack("=4Q", attributes, 0, _MS_PRIVATE, owners or 0)
    flags = _AT_EMPTY_PATH | _AT_RECURSIVE
    _syscall("set mount", _MOUNT_SETATTR, tree, ctypes.c_char_p(b""), flags, wanted, len(wanted))


def seal(target: str, *, below: bool = True) -> None:
    """Let nothing be changed any more in a mount, and in those below it."""
    wanted = struct.pack("=4Q", READ_ONLY, 0, 0, 0)
    path = ctypes.c_char_p(os.fsencode(target))
    what = "seal " + target
    _syscall(
        what, _MOUNT_SETATTR, _AT_FDCWD, path, _AT_RECURSIVE if below else 0, wanted, len(wanted)
    )


def attach(tree: int, target: str) -> None:
    """Mount a tree on a path that exists, and close its descriptor."""
    empty, path = ctypes.c_char_p(b""), ctypes.c_char_p(os.fsencode(target))
    what = "mount on " + target
    _syscall(what, _MOVE_MOUNT, tree, empty, _AT_FDCWD, path, _FROM_DESCRIPTOR)
    os.close(tree)


def raise_loopback() -> None:
    """Let processes of this network namespace reach each other by 127.0.0.1 and ::1."""
    link = _libc.socket(_INTERNET, _DATAGRAMS, 0)
    request = struct.pack("16sh14x", b"lo", _UP_AND_RUNNING)
    _check(_libc.ioctl(link, ctypes.c_ulong(_SET_FLAGS), request), "loopback")
    os.close(link)


def name_host(name: str) -> None:
    """Set the name that this machine has in here."""
    _check(_libc.sethostname(name.encode(), ctypes.c_size_t(len(name))), "host name")


def leave_keyrings() -> None:
    """Take an empty session keyring in place of the one of the login."""
    number = _KEYCTL.get(os.uname().machine)
    if number is not None:
        _libc.syscall(number, _JOIN_SESSION_KEYRING, None)


def die_with_parent(signal: int) -> None:
    """Be sent a signal when the parent ends; forgotten when this process changes its user."""
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal, 0, 0, 0), "prctl")


def be_open_to_peers(answer: bool) -> None:
    """Say whether processes of the same user may look into this one, or trace it."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, int(answer), 0, 0, 0), "prctl")


def give_up_capabilities() -> None:
    """Lose every capability, and every way to get one from a program that is started."""
    for capability in range(_CAPABILITIES):
        if _libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
            break
    _libc.prctl(_PR_CAP_AMBIENT, _CLEAR_ALL, 0, 0, 0)
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "prctl")
    header, none = struct.pack("=Ii", _CAPABILITY_VERSION, 0), bytes(24)
    _check(_libc.capset(header, none), "capset")


def _syscall(what: str, number: int, *arguments: object) -> int:
    # Whole registers: the upper half of a shorter number is anyone's guess.
    whole = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    result = int(_libc.syscall(ctypes.c_long(number), *whole))
    _check(min(result, 0), what)
    return result


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)
