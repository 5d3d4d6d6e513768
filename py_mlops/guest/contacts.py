"""What a process took in that is no file: network connections and unpickled classes."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from typing import Any, Sequence

MOST = 1000
_LOOPBACK = ("127.", "::1")
BY = NATIVE, PYTHON, DRIVER = "native", "python", "driver"
"""Who connects in this process, numbered as in the tracer's log."""
CHILD = "child"


class Contacts:
    """The connections and classes seen so far, each once with its first cell.

    Of child processes each cell counts: what one downloaded says nothing of the next.

    Attributes:
        listening: Ports and paths that the session's own processes listen at.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.listening: set[int | str] = set()
        # The cells in which each peer was reached, for each way.
        self._connections: dict[tuple[str, int], dict[str, list[int]]] = {}
        self._unpickled: dict[tuple[object, object], int] = {}
        self._last = _LastAsked()

    def asked(self, host: object, port: object) -> None:
        """Remember the name that this thread looks up; a connection tells the number only."""
        self._last.name, self._last.port = _host(host), port

    def connected(
        self, connection: Any, address: Sequence[Any], cell: int, by: str = PYTHON
    ) -> None:
        """Note a connection; datagrams are none, they ask for names and own addresses.

        Args:
            connection: The socket.
            address: Host and port.
            cell: The running cell's execution count.
            by: ``python``, or ``driver`` for one whose answers are recorded.
        """
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return
        if connection.type == socket.SOCK_DGRAM:
            return
        host, port = _host(address[0]), int(address[1])
        if self._last.name and str(self._last.port) == str(port):
            host = self._last.name
        self._note((host, port), by, cell)

    def reached(self, name: str, address: str, port: int, cell: int, by: str) -> None:
        """Note a connection that the tracer saw.

        Args:
            name: The name that was looked up for the address; may be empty.
            address: The address in numbers, or a socket's path.
            port: The port; 0 for a path.
            cell: The running cell's execution count.
            by: Who connected: one of `BY`, or a ``child`` process.
        """
        if name:  # who looks up in one thread and connects in another was seen without a name
            for known, cells in self._connections.pop((address, port), {}).items():
                for each in cells:
                    self._note((name, port), known, each)
        self._note((name or address, port), by, cell)

    def _note(self, peer: tuple[str, int], by: str, cell: int) -> None:
        if peer in self._connections or len(self._connections) < MOST:
            cells = self._connections.setdefault(peer, {}).setdefault(by, [])
            if by == CHILD and len(cells) < MOST and cell not in cells:
                cells.append(cell)
            elif by != CHILD:
                cells[:] = [min([cell, *cells])]

    def unpickle(self, module: object, name: object, cell: int) -> None:
        """Note a class that an unpickler looks up."""
        if len(self._unpickled) < MOST:
            self._unpickled.setdefault((module, name), cell)

    def connections(self) -> list[dict[str, Any]]:
        """Return them in the shape of ``records.handover.SeenConnection``."""
        own = _own_ports() | self.listening
        return [
            {"cell": cell, "host": host, "port": port, "by": by}
            for (host, port), ways in list(self._connections.items())
            for by, cells in ways.items()
            for cell in cells
            if host not in own
            and not (port in own and (host.startswith(_LOOPBACK) or host == "localhost"))
        ]

    def unpickled(self) -> list[dict[str, Any]]:
        """Return them in the shape of ``records.handover.SeenUnpickling``."""
        return [
            {"cell": cell, "type": f"{module}.{name}"}
            for (module, name), cell in list(self._unpickled.items())
        ]


class _LastAsked(threading.local):
    name = ""
    port: object = None


def _host(host: object) -> str:
    if isinstance(host, bytes):
        return host.decode("ascii", "backslashreplace")
    return host if isinstance(host, str) else ""


def _own_ports() -> set[int]:
    """Return the ports the kernel listens on, from its connection file."""
    for word in sys.argv[1:]:
        if word.endswith(".json"):
            with contextlib.suppress(OSError, ValueError, AttributeError):
                with open(word, encoding="utf-8") as stream:
                    ports = json.load(stream)
                return {
                    value for key, value in ports.items()
                    if key.endswith("_port") and isinstance(value, int)
                }  # fmt: skip
    return set()
