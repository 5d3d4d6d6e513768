"""Lays recorded files over the file system, seen by this process alone, then becomes the kernel.

Run as ``python -I -S enter.py PLAN COMMAND...``; ``PLAN`` is what
`py_mlops.sandbox.command` writes. Nothing forks: the process id, the signals,
the exit code and the open files stay those of the process that was started.

The steps: a user and a mount namespace that map the user to itself; an empty
root in memory into which every entry of the old root is bound; the mirror over
it, folder by folder; the old root let go; the command.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import signal
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_BIND = 0x1000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
MNT_DETACH = 2
PR_CAPBSET_DROP = 24
CAP_SYS_ADMIN = 21

CROWD = 10_000
"""Entries of one folder that are still mounted one by one; a process may have 100,000 mounts."""

NO_SANDBOX, NOT_EXECUTABLE, NOT_FOUND = 125, 126, 127
"""Exit codes, as `env` and container engines use them."""

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mount.argtypes = [ctypes.c_char_p] * 3 + [ctypes.c_ulong, ctypes.c_char_p]


def main(arguments: list[str]) -> int:
    """Enter the sandbox and become the command; return only when that fails."""
    plan, command = json.loads(arguments[0]), arguments[1:]
    try:
        own_namespaces()
        lay(plan["mirror"], plan["folders"], plan["keep"], plan["shared"])
        os.chdir(plan["directory"])
        _call("prctl", PR_CAPBSET_DROP, CAP_SYS_ADMIN, 0, 0, 0)
    except OSError as error:
        sys.stderr.write(f"sandbox: {error.filename}: {error.strerror}\n")
        return NO_SANDBOX
    for number in (signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    try:
        os.execvp(command[0], command)  # noqa: S606 - a shell is what nobody wants here
    except OSError as error:
        sys.stderr.write(f"sandbox: {command[0]}: {error.strerror}\n")
        return NOT_FOUND if error.errno == errno.ENOENT else NOT_EXECUTABLE


def own_namespaces() -> None:
    """Move this process into namespaces in which it may mount, under its own name."""
    user, group = os.geteuid(), os.getegid()
    _call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{user} {user} 1"),
        ("gid_map", f"{group} {group} 1"),
    ):
        with open("/proc/self/" + name, "w") as file:
            file.write(text)
    _mount("none", "/", "none", MS_REC | MS_PRIVATE)


def lay(mirror: str, folders: list[str], keep: list[str], shared: list[str]) -> None:
    """Make a new root that shows the old one with the mirror over it.

    Args:
        mirror: The mirror's folder.
        folders: As for `Overlay`, as are the others.
        keep: What must stay visible.
        shared: Folders that other programs use too.
    """
    host = f"/.host-{os.getpid()}"
    overlay = Overlay(host, folders, keep, shared)
    replaced = misfits(mirror, "/")
    _mount("tmpfs", mirror, "tmpfs", 0, "mode=755")
    os.mkdir(mirror + host)
    _call("pivot_root", os.fsencode(mirror), os.fsencode(mirror + host))
    os.chdir("/")
    overlay.show_all("/", [host[1:], *replaced])
    overlay.merge(host + mirror, "/")
    _call("umount2", os.fsencode(host), MNT_DETACH)
    os.rmdir(host)


class Overlay:
    """Puts the mirror's files and folders over the host's.

    Attributes:
        host: Where the host's root is while the new one is made.
        folders: Folders that show the mirror's content only.
        keep: What must stay visible even inside of those.
        shared: Folders that other programs use too (the home folder, ``/tmp``).
            Where one of them is in ``folders``, the host's subfolders and
            hidden files stay; its other files are hidden.
    """

    def __init__(self, host: str, folders: list[str], keep: list[str], shared: list[str]) -> None:
        """Remember what goes where; every path is absolute and free of links."""
        self.host = host
        self.folders = set(folders)
        self.keep = list(keep)
        self.shared = set(shared)

    def merge(self, source: str, path: str) -> None:
        """Put the entries of a mirror's folder over a host's folder, one by one.

        A folder with too many entries for that is covered as a shared one.
        """
        entries = sorted(os.scandir(source), key=lambda entry: entry.name)
        new = misfits(source, path)
        if len(entries) > CROWD or (new and self._crowded(path)):
            self.cover(source, path, shared=True)
            return
        if new and path != "/":
            mode = os.stat(path).st_mode & 0o7777
            _mount("tmpfs", path, "tmpfs", 0, f"mode={mode:o}")
            self.show_all(path, new)
        for entry in entries:
            target = os.path.realpath(os.path.join(path, entry.name))
            if not entry.is_dir():
                _place(entry.path, target)
            elif entry.name in new or target in self.folders:
                self.cover(entry.path, target, shared=target in self.shared)
            else:
                self.merge(entry.path, target)

    def cover(self, source: str, path: str, shared: bool) -> None:
        """Put a mirror's folder in the place of a host's; writes land in the mirror.

        What has to stay visible is bound back on empty entries, which stay in
        the mirror and take its place again when the kernel is started anew.
        """
        _place(source, path)
        inside = [kept for kept in [*self.keep, *self.shared] if _is_inside(kept, path)]
        for kept in inside:
            if not any(_is_inside(kept, other) for other in inside):
                self.show(kept)
        if shared:
            for name in _names(self.host + path):
                here = os.path.join(path, name)
                stays = name.startswith(".") or os.path.isdir(self.host + here)
                if stays and here not in self.folders and _is_vacant(source + "/" + name):
                    self.show(here)
        for other in sorted(self.shared.intersection(inside)):
            beneath = source + other[len(path) :]
            if os.path.isdir(beneath):
                self.merge(beneath, other)

    def show_all(self, path: str, without: list[str]) -> None:
        """Bring the host's entries of a folder back into it."""
        for name in _names(self.host + path):
            if name not in without:
                self.show(os.path.join(path, name))

    def show(self, path: str) -> None:
        """Bring the host's own entry back to its place."""
        original = self.host + path
        if not os.path.islink(original):
            try:
                _place(original, path)
            except FileNotFoundError:
                return  # it is gone since it was listed
        elif not os.path.lexists(path):
            os.makedirs(os.path.dirname(path), exist_ok=True)
            os.symlink(os.readlink(original), path)

    def _crowded(self, path: str) -> bool:
        return path != "/" and len(_names(self.host + path)) > CROWD


def misfits(source: str, path: str) -> list[str]:
    """Return names in ``source`` that ``path`` lacks or has as another kind of entry."""
    names = []
    for entry in os.scandir(source):
        target = os.path.join(path, entry.name)
        is_file = os.path.isfile(target) and not os.path.islink(target)
        if not (os.path.isdir(target) if entry.is_dir() else is_file):
            names.append(entry.name)
    return names


def _place(source: str, target: str) -> None:
    if os.path.isdir(source):
        os.makedirs(target, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        if not os.path.lexists(target):
            os.close(os.open(target, os.O_CREAT | os.O_WRONLY, 0o600))
    _mount(source, target, "none", MS_BIND | MS_REC)


def _names(path: str) -> list[str]:
    try:
        return sorted(os.listdir(path))
    except PermissionError:
        return []  # what the user could not list is not missed


def _is_inside(path: str, folder: str) -> bool:
    return path != folder and path.startswith(folder.rstrip("/") + "/")


def _is_vacant(path: str) -> bool:
    if os.path.isdir(path):
        return not os.listdir(path)
    return not os.path.lexists(path) or os.path.getsize(path) == 0


def _mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    parts = [os.fsencode(text) for text in (source, target, kind)]
    _check(_libc.mount(*parts, flags, os.fsencode(options)), "mount on " + target)


def _call(name: str, *arguments: object) -> None:
    _check(getattr(_libc, name)(*arguments), name)


def _check(result: int, what: str) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), what)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
