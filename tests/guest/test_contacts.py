from __future__ import annotations

import json
import socket
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from py_mlops.guest.contacts import MOST, Contacts


def test_own_ports(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections to the kernel's own ports are left out, others on this machine are not."""
    file = tmp_path / "kernel.json"
    file.write_text(json.dumps({"shell_port": 5001, "ip": "127.0.0.1"}))
    monkeypatch.setattr(sys, "argv", ["launcher", "-f", str(file)])
    contacts = Contacts()
    stream = SimpleNamespace(family=socket.AF_INET, type=socket.SOCK_STREAM)
    contacts.connected(stream, ("127.0.0.1", 5001), 1)
    contacts.connected(stream, ("127.0.0.1", 5432), 2)
    contacts.connected(SimpleNamespace(family=socket.AF_UNIX, type=1), ["/socket"], 3)
    assert contacts.connections() == [
        {"cell": 2, "host": "127.0.0.1", "port": 5432, "by": "python"}
    ]


def test_native_code_is_told_from_python() -> None:
    """A peer that Python, a driver, native code or a child reached is told once for each."""
    contacts = Contacts()
    stream = SimpleNamespace(family=socket.AF_INET, type=socket.SOCK_STREAM)
    contacts.connected(stream, ("10.0.0.1", 80), 1)
    contacts.reached("web", "10.0.0.1", 80, 1, "python")
    contacts.reached("database", "10.0.0.2", 5432, 2, "driver")
    contacts.reached("", "10.0.0.3", 80, 3, "child")
    contacts.reached("web", "10.0.0.1", 80, 4, "native")
    assert [(item["host"], item["by"], item["cell"]) for item in contacts.connections()] == [
        ("web", "python", 1), ("web", "native", 4), ("database", "driver", 2),
        ("10.0.0.3", "child", 3),
    ]  # fmt: skip


def test_a_childs_connection_is_told_in_the_cell_that_started_the_child() -> None:
    """Python's answers of an earlier cell are recorded; what is missing is the child's."""
    contacts = Contacts()
    contacts.reached("", "10.0.0.1", 80, 1, "python")
    contacts.reached("", "10.0.0.1", 80, 3, "child")
    assert {item["by"]: item["cell"] for item in contacts.connections()} == {
        "python": 1, "child": 3,
    }  # fmt: skip


def test_bounded() -> None:
    """However many classes are unpickled, at most 1,000 are kept."""
    contacts = Contacts()
    for number in range(MOST + 10):
        contacts.unpickle("module", f"Class{number}", 1)
    assert len(contacts.unpickled()) == MOST
    assert contacts.unpickled()[0] == {"cell": 1, "type": "module.Class0"}
