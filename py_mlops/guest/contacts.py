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


class Contacts:
    """The connections and classes seen so far, each once with its first cell."""

    def __init__(self) -> None:
        """Begin with none."""
        self._connections: dict[tuple[str, int], int] = {}
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
        if self._last.name and str(self._last.port) == str(port):
            host = self._last.name
        self._connections.setdefault((host, port), cell)

    def unpickle(self, module: object, name: object, cell: int) -> None:
        """Note a class that an unpickler looks up."""
        if len(self._unpickled) < MOST:
            self._unpickled.setdefault((module, name), cell)

    def connections(self) -> list[dict[str, Any]]:
        """Return them in the shape of ``records.handover.SeenConnection``."""
        own = _own_ports()
        return [
            {"cell": cell, "host": host, "port": port}
            for (host, port), cell in list(self._connections.items())
            if not (port in own and (host.startswith(_LOOPBACK) or host == "localhost"))
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
