"""What a process took in that is no file: network connections and unpickled classes."""

from __future__ import annotations

import contextlib
import json
import socket
import sys
import threading
from collections import Counter
from typing import Any, Sequence

MOST = 1000
_LOOPBACK = ("127.", "::1")


class Contacts:
    """The connections and classes seen so far, each once with its first cell.

    Attributes:
        listening: Ports and paths that the session's own processes listen at.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self.listening: set[int | str] = set()
        self._connections: dict[tuple[str, int], int] = {}
        # How often Python, and how often the process, connected to an address in numbers: what
        # is too much was native code. And whom that address was reached for, under which name.
        self._by_python: Counter[tuple[str, int]] = Counter()
        self._by_process: Counter[tuple[str, int]] = Counter()
        self._reached: dict[tuple[str, int], set[tuple[str, int]]] = {}
        self._by_child: dict[tuple[str, int], int] = {}
        self._unpickled: dict[tuple[object, object], int] = {}
        self._last = _LastAsked()

    def asked(self, host: object, port: object) -> None:
        """Remember the name that this thread looks up; a connection tells the number only."""
        self._last.name, self._last.port = _host(host), port

    def connected(self, connection: Any, address: Sequence[Any], cell: int) -> None:
        """Note a connection; datagrams are none, they ask for names and own addresses.

        Args:
            connection: The socket.
            address: Host and port.
            cell: The running cell's execution count.
        """
        if connection.family not in (socket.AF_INET, socket.AF_INET6):
            return
        if connection.type == socket.SOCK_DGRAM or len(self._connections) >= MOST:
            return
        host, port = _host(address[0]), int(address[1])
        self._by_python[host, port] += 1
        if self._last.name and str(self._last.port) == str(port):
            host = self._last.name
        self._connections.setdefault((host, port), cell)

    def reached(
        self, name: str, address: str, port: int, cell: int, *, by_child: bool = False
    ) -> None:
        """Note a connection that native code or a child process made.

        Args:
            name: The name that was looked up for the address; may be empty.
            address: The address in numbers, or a socket's path.
            port: The port; 0 for a path.
            cell: The running cell's execution count.
            by_child: Whether it was a child process.
        """
        if by_child:
            self._by_child.setdefault((name or address, port), cell)
        else:
            self._by_process[address, port] += 1
            self._reached.setdefault((name or address, port), set()).add((address, port))
        if name:  # who looks up in one thread and connects in another was seen without a name
            cell = min(cell, self._connections.pop((address, port), cell))
        if len(self._connections) < MOST:
            self._connections.setdefault((name or address, port), cell)

    def unpickle(self, module: object, name: object, cell: int) -> None:
        """Note a class that an unpickler looks up."""
        if len(self._unpickled) < MOST:
            self._unpickled.setdefault((module, name), cell)

    def connections(self) -> list[dict[str, Any]]:
        """Return them in the shape of ``records.handover.SeenConnection``."""
        own = _own_ports() | self.listening
        return [
            # A child's answers are not recorded, Python's may be: what is missing is in its cell.
            {
                "cell": self._by_child.get((host, port), cell),
                "host": host,
                "port": port,
                "by": self._by((host, port)),
            }
            for (host, port), cell in list(self._connections.items())
            if host not in own
            and not (port in own and (host.startswith(_LOOPBACK) or host == "localhost"))
        ]

    def _by(self, peer: tuple[str, int]) -> str:
        if peer in self._by_child:
            return "child"
        native = any(
            self._by_process[address] > self._by_python[address]
            for address in self._reached.get(peer, ())
        )
        return "native" if native else "python"

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
