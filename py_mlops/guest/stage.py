"""What a sandbox shows: the mirror as the root, and the little of the host that programs need.

The mirror itself becomes the root folder, so a recorded file is found at its
absolute path and whatever is written anywhere lands in the mirror. Over it come
the system's folders, the interpreter and its environment, and a ``/dev``,
``/proc`` and ``/etc`` of its own. All trees are opened before the root changes
and attached after, so no path is looked up in two worlds.
"""

from __future__ import annotations

import os
import stat

from . import syscalls

# A kernel waits for this; typing, as other large modules, would cost it more than all the mounts.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Tuple

    Trees = Dict[str, Tuple[int, bool]]

CONFIGURATION = (
    "alternatives", "ca-certificates", "crypto-policies", "debian_version", "fonts", "gai.conf",
    "ImageMagick-6", "ImageMagick-7", "inputrc", "java-11-openjdk", "java-17-openjdk",
    "java-21-openjdk", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "ld.so.preload",
    "locale.alias", "locale.conf", "localtime", "magic", "magic.mime", "mime.types", "OpenCL",
    "os-release", "papersize", "pki/ca-trust", "pki/tls/cert.pem", "pki/tls/certs", "protocols",
    "R", "rpc", "services", "ssl/cert.pem", "ssl/certs", "ssl/openssl.cnf", "terminfo",
    "timezone", "vulkan",
)  # fmt: skip
"""What programs read below ``/etc``: no keys, no passwords, no secrets of the machine."""

TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - the sandbox's own
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - likewise

NETWORK = ("resolv.conf", "hosts")

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
ACCELERATORS = ("nvidia", "dri", "kfd")
"""How the names of graphics cards' devices begin; numbers are computed on them."""

MACHINE = (
    "/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/fs/cgroup/cpu.max",
    "/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "/sys/fs/cgroup/cpu/cpu.cfs_period_us",
)  # fmt: skip
"""What tells a program how many processors it has."""

GUARDED = ("sys", "sysrq-trigger", "irq", "bus", "fs", "scsi", "acpi")
HIDDEN = ("kcore", "keys", "key-users", "kallsyms", "timer_list", "sched_debug", "kpagecount")
"""Entries of ``/proc`` that tell of, or change, the machine and not the process."""

INSIDE = 1000
"""User and group inside; nobody in particular."""

_READ = syscalls.READ_ONLY | syscalls.NO_SETUID | syscalls.NO_DEVICES
_WRITE = syscalls.NO_SETUID | syscalls.NO_DEVICES


def open_trees(plan: dict[str, Any], owners: int | None) -> Trees:
    """Open what will be shown, before namespaces are left and the root changes.

    Args:
        plan: As `py_mlops.sandbox.command` writes it.
        owners: A user namespace that makes files of root those of the sandbox's
            user; ``None`` where there is no such need, or no such way.

    Returns:
        By target path: the tree's descriptor, and whether it is ours to change.
    """
    system = [path for path in plan["system"] if os.path.isdir(path) and not os.path.islink(path)]
    system += [path for path in MACHINE if os.path.exists(path)]
    system += ["/etc/" + name for name in CONFIGURATION if os.path.exists("/etc/" + name)]
    if plan["network"]:
        system += ["/etc/" + name for name in NETWORK if os.path.exists("/etc/" + name)]
    trees = {}  # type: Trees
    for path in [*system, *plan["readable"], *plan["layered"]]:
        trees[path] = _open(path, _READ, owners if path not in system else None)
    for path in plan["writable"]:
        trees[path] = _open(path, _WRITE, owners)
    trees["/"] = _open(plan["mirror"], _WRITE, owners)
    for name in sorted(os.listdir("/dev")):
        if name in DEVICES or name.startswith(ACCELERATORS):
            tree = syscalls.open_tree("/dev/" + name)
            syscalls.set_mount(tree, syscalls.NO_SETUID)
            trees["/dev/" + name] = tree, False
    return trees


def _open(path: str, attributes: int, owners: int | None) -> tuple[int, bool]:
    tree = syscalls.open_tree(path)
    # Only files of root change hands: those of others stay what they are to strangers.
    if owners is not None and os.stat(path).st_uid == 0:
        try:
            syscalls.set_mount(tree, attributes, owners)
        except OSError:
            os.close(tree)  # a file system that knows no such mounts
            tree = syscalls.open_tree(path)
        else:
            return tree, True
    syscalls.set_mount(tree, attributes)
    return tree, owners is None


def build(plan: dict[str, Any], trees: Trees, *, drop: bool) -> None:
    """Make the new root and enter it; the host's is gone afterwards.

    Args:
        plan: As `py_mlops.sandbox.command` writes it.
        trees: From `open_trees`.
        drop: Whether the sandbox's user is not the one who calls this.
    """
    root, old = plan["mirror"], ".host-" + os.urandom(16).hex()
    syscalls.attach(trees.pop("/")[0], root)
    layers = {path: _layer(plan["layers"], path) for path in plan["layered"]}
    os.chdir(root)
    with _SandboxUser(drop):
        os.mkdir(old)
    syscalls.pivot(".", old)
    os.chdir("/")
    for target in ("/proc", "/dev", "/etc", "/sys"):
        with _SandboxUser(drop):
            _folder(target)
    syscalls.mount("proc", "/proc")
    for target in ("/dev", "/etc", "/sys"):
        syscalls.mount("tmpfs", target, "mode=755,size=16m")
    for target in sorted(trees):
        _show(target, *trees[target], drop=drop)
    for path, ours in sorted((path, trees[path][1]) for path in layers):
        if ours:
            _overlay(path, *layers[path])
    with _SandboxUser(drop):
        _furnish(plan)
    _settings(plan)
    _devices(plan["limits"]["shared"])
    syscalls.let_go("/" + old)
    with _SandboxUser(drop):
        os.rmdir("/" + old)


class _SandboxUser:
    """Makes entries of the mirror as the user who shall own them."""

    def __init__(self, drop: bool) -> None:
        self.drop = drop

    def __enter__(self) -> None:
        if self.drop:
            os.setegid(INSIDE)
            os.seteuid(INSIDE)

    def __exit__(self, *_: object) -> None:
        if self.drop:
            os.seteuid(0)
            os.setegid(0)


def _show(target: str, tree: int, _ours: bool, *, drop: bool) -> None:
    if target.startswith(("/dev/", "/etc/", "/sys/")):
        _place(target, tree)
    else:
        with _SandboxUser(drop):
            if not os.path.exists(target) or os.path.islink(target):
                _place(target, tree)
    syscalls.attach(tree, target)


def _place(target: str, tree: int) -> None:
    """Make the empty entry on which a tree is mounted."""
    if stat.S_ISDIR(os.fstat(tree).st_mode):
        _folder(target)
        return
    _folder(os.path.dirname(target))
    _clear(target)
    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _folder(path: str) -> None:
    """Make a folder and those above it; what a run before left in the way gives place."""
    if path == "/":
        return
    _folder(os.path.dirname(path))
    if os.path.islink(path) or not os.path.isdir(path):
        _clear(path)
        os.mkdir(path)


def _clear(path: str) -> None:
    if os.path.lexists(path):
        os.rename(path, path + "." + os.urandom(4).hex())


def _layer(layers: str, path: str) -> list[int]:
    """Open the folders that catch what is written into an environment."""
    place = os.path.join(layers, path.replace("/", "%"))
    return [os.open(os.path.join(place, name), os.O_PATH) for name in ("upper", "work")]


def _overlay(path: str, upper: int, work: int) -> None:
    """Let an environment be written to without being changed, where the kernel can do it."""
    lower = os.open(path, os.O_PATH)
    # By descriptor: a path may hold the colons and commas that separate options.
    names = [f"/proc/self/fd/{number}" for number in (lower, upper, work)]
    options = "lowerdir={},upperdir={},workdir={},userxattr".format(*names)
    try:
        syscalls.mount("overlay", path, options, programs=True)
    except OSError:
        pass  # it stays as it is: readable
    finally:
        for number in (lower, upper, work):
            os.close(number)


def _furnish(plan: dict[str, Any]) -> None:
    """Make the folders and links that programs expect."""
    for path, target in plan["links"].items():
        if not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(target, path)
    for path in (*TEMPORARY, "/run", plan["home"], plan["directory"]):
        os.makedirs(path, exist_ok=True)
    for path in TEMPORARY:
        os.chmod(path, 0o1777)  # noqa: S103 - as everywhere


def _settings(plan: dict[str, Any]) -> None:
    """Write the files below ``/etc`` that would tell of the host, and seal it."""
    people = "root:x:0:0::/root:/bin/sh\n{2}:x:{0}:{0}::{1}:/bin/sh\n"
    user, home = (plan[key].replace(":", "").replace("\n", "") for key in ("user", "home"))
    _write("/etc/passwd", people.format(INSIDE, home, user) + "nobody:x:65534:65534::/:/bin/sh\n")
    _write("/etc/group", f"root:x:0:\n{user}:x:{INSIDE}:\nnogroup:x:65534:\n")
    _write("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    _write("/etc/hostname", plan["name"] + "\n")
    if not plan["network"]:
        hosts = "127.0.0.1 localhost {0}\n::1 localhost {0}\n".format(plan["name"])
        _write("/etc/hosts", hosts)
        _write("/etc/resolv.conf", "")
    syscalls.seal("/etc")
    syscalls.seal("/sys")


def _write(path: str, text: str) -> None:
    with open(path, "w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)


def _devices(shared: int) -> None:
    """Fill ``/dev``: terminals and shared memory of its own, and links to open files."""
    os.mkdir(SHARED_MEMORY)
    syscalls.mount("tmpfs", SHARED_MEMORY, f"mode=1777,size={shared}", programs=True)
    os.mkdir("/dev/pts")
    syscalls.mount("devpts", "/dev/pts", "newinstance,ptmxmode=0666,mode=620", devices=True)
    os.symlink("pts/ptmx", "/dev/ptmx")
    os.symlink("/proc/self/fd", "/dev/fd")
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        os.symlink(f"/proc/self/fd/{number}", "/dev/" + name)
    syscalls.seal("/dev", below=False)


def guard_proc() -> None:
    """Seal what below ``/proc`` belongs to the machine."""
    for name in GUARDED:
        if os.path.exists("/proc/" + name):
            tree = syscalls.open_tree("/proc/" + name)
            syscalls.set_mount(tree, _READ)
            syscalls.attach(tree, "/proc/" + name)
    for name in HIDDEN:
        if os.path.exists("/proc/" + name):
            syscalls.attach(syscalls.open_tree("/dev/null"), "/proc/" + name)
