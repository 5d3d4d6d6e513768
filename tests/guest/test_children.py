from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from py_mlops.guest.children import Children

KERNEL, CHILD = os.getpid(), 999_999_999


def began(pid: int, program: str, *words: str, time_ns: int = 2) -> list[bytes]:
    """Return a record of a program that began."""
    called = b"".join(word.encode() + b"\x1f" for word in words)
    head = [b"P", b"%d" % time_ns, b"%d" % pid, b"1", b"%d" % len(program)]
    return [*head, program.encode() + called]


def starting(pid: int, program: str, *, kept: int = 1, time_ns: int = 1) -> list[bytes]:
    """Return a record of a program about to be run."""
    return [b"S", b"%d" % time_ns, b"%d" % pid, b"%d" % kept, program.encode()]


@pytest.mark.parametrize(
    ("program", "words", "name"),
    [
        ("/usr/bin/python3.11", ["/venv/bin/python", "-c", "x"], "python"),
        ("/usr/bin/dash", ["-sh"], "sh"),
        ("/usr/bin/cat", [], "cat"),
        ("/usr/bin/cat", [""], "cat"),
    ],
)
def test_names(program: str, words: list[str], name: str) -> None:
    """A child is called what it was started as."""
    children = Children()
    children.began(began(CHILD, program, *words))
    assert children.name(CHILD) == name


def test_the_kernel_and_its_copies() -> None:
    """The kernel itself has no name; a copy of it has its program's, others have a number."""
    children = Children()
    children.began(began(KERNEL, "/usr/bin/python3", "python"))
    children.forked([b"K", b"3", b"%d" % CHILD, b"%d" % KERNEL, b""])
    assert [children.name(pid) for pid in (KERNEL, CHILD, 5)] == ["", "python", "process 5"]


def test_who_started_without_us() -> None:
    """A program that was started without LD_PRELOAD is told at once, and once."""
    children = Children()
    for _ in range(2):
        children.starting(starting(CHILD, "/bin/cat", kept=0))
    assert children.unseen() == ["/bin/cat (started without LD_PRELOAD)"]


def test_who_opens_files_unseen() -> None:
    """A program that asks for io_uring is told, the kernel itself too."""
    children = Children()
    children.began(began(CHILD, "/usr/bin/node", "node"))
    for pid in (CHILD, KERNEL):
        children.blind([b"U", b"2", b"%d" % pid, b""])
    unseen = "uses io_uring, which opens files unseen"
    assert children.unseen() == [f"node ({unseen})", f"the kernel ({unseen})"]


def test_who_does_not_load_us() -> None:
    """A program that was started with LD_PRELOAD and never showed up in the log is told."""
    children = Children()
    children.starting(starting(CHILD, "/opt/static"))
    [text] = children.unseen()
    assert text.startswith("/opt/static (")


@pytest.mark.parametrize("spawned", [True, False])
def test_who_came(spawned: bool) -> None:
    """A program that shows up is none of those, whichever of both records comes first."""
    children = Children()
    if spawned:
        children.began(began(CHILD, "/bin/cat"))
    children.starting(starting(CHILD, "/bin/cat"))
    if not spawned:
        children.began(began(CHILD, "/bin/cat"))
    assert children.unseen() == []


def test_who_could_not_be_run() -> None:
    """A start that failed is none."""
    children = Children()
    children.starting(starting(CHILD, "/bin/none"))
    children.failed([b"E", b"2", b"%d" % CHILD, b""])
    assert children.unseen() == []


def test_who_is_just_starting() -> None:
    """A program that has just been started, and lives, gets the time to show up."""
    children = Children()
    children.starting(starting(os.getpid(), "/bin/slow", time_ns=time.time_ns()))
    assert children.unseen() == []


def test_a_programs_own_files(tmp_path: Path) -> None:
    """Another environment's packages and a program's settings are its own; the rest is data."""
    home = os.path.expanduser("~")
    root = tmp_path / "env"
    children = Children()
    children.began(began(CHILD, f"{root}/bin/python3.9", "python"))
    own = [f"{root}/lib/python3.9/os.py", f"{home}/.gitconfig", f"{home}/.config/git/config"]
    data = [f"{root}/data.csv", f"{home}/data.csv", f"{home}/.keras/data.npz", "/srv/data"]
    assert [children.owns(CHILD, path) for path in own + data] == [True] * 3 + [False] * 4
    assert not any(children.owns(KERNEL, path) for path in own)


def test_a_virtual_environment() -> None:
    """The packages of a virtual environment are known by the file that every one begins with."""
    children = Children()
    children.began(began(CHILD, "/usr/bin/python3.11", "python"))
    assert children.owns(CHILD, "/srv/env/pyvenv.cfg")
    assert children.owns(CHILD, "/srv/env/lib/python3.11/site-packages/a.py")
    assert not children.owns(CHILD, "/srv/other/lib/a.py")


def test_a_process_that_is_over() -> None:
    """A program whose process has ended by now is not waited for."""
    over = subprocess.Popen([sys.executable, "-c", ""])
    over.wait()
    children = Children()
    children.starting(starting(over.pid, "/opt/static", time_ns=time.time_ns()))
    assert len(children.unseen()) == 1


@pytest.mark.parametrize(
    ("program", "words", "told"),
    [
        ("/usr/bin/systemd-run", ["systemd-run", "--user", "cat", "a"], True),
        ("/bin/sh", ["/bin/sh", "/usr/bin/batch"], True),
        ("/usr/bin/cat", ["cat", "ssh"], False),
    ],
)
def test_who_lets_others_work(program: str, words: list[str], told: bool) -> None:
    """A well-known program that asks a process which is no child of ours is a hole, by name."""
    children = Children()
    children.began(began(CHILD, program, *words))
    expected = f"{' '.join(words)} (asks another process to do the work)"
    assert children.unseen() == ([expected] if told else [])
