"""Which addresses are the program's own: a server it started itself is no outside."""

from __future__ import annotations

import os
import socket
import struct
from typing import Iterator
from urllib.parse import urlsplit

from ..observe import observer

_LISTENING = 10  # tcp(7)'s state; a table shows it as 0A
_NETLINK_SOCK_DIAG = 4
_BY_FAMILY, _DONE, _REQUEST_DUMP = 20, 3, 0x301
_OWN: dict[int, bool] = {}
"""Whether a listening socket, by its inode, is held by this process or its children."""
_OWN_PORTS: set[int] = set()


def is_own(host: str, port: int) -> bool:
    """Say whether this process, or one it started, listens there.

    Known only where there is ``/proc``; elsewhere loopback counts like any host.

    Args:
        host: A name or address as the client has it.
        port: The TCP port.
    """
    if not _is_here(host):
        return False
    try:
        with observer().paused():
            own = any(_is_held(inode) for inode in _listeners(port))
    except Exception:
        return False
    if own:
        _OWN_PORTS.add(port)
    return own


def was_too_early(question: str) -> bool:
    """Say whether a question went to a server of the program's own that only began later.

    A program asks until its server answers; how often is chance.

    Args:
        question: One of ``tape.unrecorded``: a source, a colon, a request.
    """
    try:
        source = urlsplit(question.partition(": ")[0])
        return source.port in _OWN_PORTS and _is_here(source.hostname or "")
    except ValueError:
        return False


def _is_here(host: str) -> bool:
    host = host.strip("[]").lower()
    return host.startswith("127.") or host in ("localhost", "::1", socket.gethostname().lower())


def _listeners(port: int) -> list[int]:
    """Return the inodes of the sockets that listen on a port of this machine."""
    try:
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_SOCK_DIAG) as kernel:
            kernel.settimeout(1)
            return [
                inode
                for family in (socket.AF_INET, socket.AF_INET6)
                for inode in _asked(kernel, family, port)
            ]
    except OSError:  # a sandbox may not have it; the table is the slow way
        return list(_tabled(port))


def _asked(kernel: socket.socket, family: int, port: int) -> Iterator[int]:
    """Yield inodes as the kernel lists them, see sock_diag(7)."""
    wanted = struct.pack("=BBBBI", family, socket.IPPROTO_TCP, 0, 0, 1 << _LISTENING)
    wanted += struct.pack("!H", port) + bytes(46)
    header = struct.pack("=IHHII", 16 + len(wanted), _BY_FAMILY, _REQUEST_DUMP, 0, 0)
    kernel.send(header + wanted)
    while True:
        data, start = kernel.recv(1 << 16), 0
        while start < len(data):
            size, kind = struct.unpack_from("=IH", data, start)
            if kind == _DONE:
                return
            if kind != _BY_FAMILY:
                raise OSError(data)
            yield struct.unpack_from("=I", data, start + 16 + 68)[0]
            start += size


def _tabled(port: int) -> Iterator[int]:
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        if os.path.exists(table):
            with open(table, encoding="ascii") as stream:
                next(stream)
                for line in stream:
                    fields = line.split()
                    if int(fields[3], 16) == _LISTENING and fields[1].endswith(f":{port:04X}"):
                        yield int(fields[9])


def _is_held(inode: int) -> bool:
    if inode not in _OWN:
        link = f"socket:[{inode}]"
        _OWN[inode] = any(link in _open_files(process) for process in _family())
    return _OWN[inode]


def _open_files(process: int) -> set[str]:
    folder = f"/proc/{process}/fd"
    links = set()
    try:
        for name in os.listdir(folder):
            try:
                links.add(os.readlink(os.path.join(folder, name)))
            except OSError:  # noqa: PERF203 - closed since it was listed
                continue
    except OSError:
        pass  # the process has gone, or is another user's
    return links


def _family() -> list[int]:
    """Return this process and all that descend from it."""
    parents = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stream:
                    # The name of the program, in brackets, may hold anything.
                    parents[int(name)] = int(stream.read().rpartition(b")")[2].split()[1])
            except OSError:
                continue
    family = [os.getpid()]
    for member in family:
        family += [child for child, parent in parents.items() if parent == member]
    return family
