from __future__ import annotations

import getpass
import subprocess
import sys
from pathlib import Path

import pytest

from py_mlops import sandbox
from py_mlops.errors import Hostile
from tests.sandbox.stage import Stage


def test_host_mounts_stay(stage: Stage) -> None:
    """The machine's own mounts are untouched."""
    before = Path("/proc/self/mountinfo").read_text()
    stage.shell("true")
    assert Path("/proc/self/mountinfo").read_text() == before


def test_host_is_not_seen(stage: Stage) -> None:
    """Of the folders beside the recorded ones nothing is there, and a sandbox has no neighbours."""
    (stage.host.parent / "notes.txt").write_text("host")
    assert (
        stage.shell(f"ls {stage.host.parent} {stage.mirror.parent} 2>&1 || true").split()[-1] != ""
    )
    assert "notes.txt" not in stage.shell(f"ls {stage.host.parent}")
    assert stage.shell("ls -d /srv /mnt /media /opt 2>/dev/null || true") in (
        "",
        str(Path.home()),
    )
    processes = stage.shell("ls -d /proc/[0-9]* | wc -l")
    assert int(processes) < 10


def test_environment(stage: Stage, tmp_path: Path) -> None:
    """A program may install into its environment, which forgets it and stays as it was."""
    environment = tmp_path / "an env, with=marks"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    before = sorted(environment.rglob("*"))
    install = (
        "import sys, sysconfig, os; p = sysconfig.get_path('purelib') + '/made.py'\n"
        "open(p, 'w').write('x = 7'); import made; os.unlink(sys.prefix + '/pyvenv.cfg')\n"
        "print(made.x, sys.prefix)"
    )
    done = stage.run([str(environment / "bin/python"), "-c", install])
    assert done.stdout.split(" ", 1) == ["7", f"{environment}\n"], done.stderr
    assert sorted(environment.rglob("*")) == before
    assert sandbox.written(stage.mirror) == []


def test_linked_environment(stage: Stage, tmp_path: Path) -> None:
    """An environment that is reached through links is found by all of its names."""
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (tmp_path / "one").symlink_to("env")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    done = stage.run([str(tmp_path / "two/bin/python"), "-c", "import sys; print(sys.prefix)"])
    assert done.stdout.strip() == str(tmp_path / "two"), done.stderr


def test_readable_and_writable(stage: Stage, tmp_path: Path) -> None:
    """What is shown is there under its own path: a file to read, a folder to write."""
    (tmp_path / "guest.zip").write_text("guest")
    (tmp_path / "handover").mkdir()
    script = "cat {0}/guest.zip; echo made > {0}/handover/h; echo x > {0}/guest.zip"
    argv = stage.command(
        ["sh", "-c", script.format(tmp_path)],
        readable=[tmp_path / "guest.zip"], writable=[tmp_path / "handover"],
    )  # fmt: skip
    for _ in range(2):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("guest", 2), done.stderr
    assert (tmp_path / "guest.zip").read_text() == "guest"
    assert (tmp_path / "handover/h").read_text() == "made\n"
    assert sandbox.written(stage.mirror) == []
    with pytest.raises(Hostile, match="would change"):
        stage.command(["true"], f"{tmp_path}/handover", writable=[tmp_path / "handover"])


def test_loopback(stage: Stage) -> None:
    """Programs of one rerun reach each other by network, and no one else."""
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname()); print([n for _, n in socket.if_nameindex()])"
    )
    assert stage.run([sys.executable, "-c", program]).stdout == "['lo']\n"


def test_network_by_request(stage: Stage) -> None:
    """Where a person said so, a rerun has the network of its machine."""
    argv = stage.command(["readlink", "/proc/self/ns/net"], network=True)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(Path("/proc/self/ns/net").readlink())


def test_pools(stage: Stage) -> None:
    """Processes, queues, shared memory and terminals work as programs expect."""
    program = (
        "import multiprocessing as m, multiprocessing.shared_memory as s, pty, tempfile, getpass\n"
        "pool = m.get_context('fork').Pool(2); print(pool.map(abs, [-1, -2]))\n"
        "x = s.SharedMemory(create=True, size=10); x.close(); x.unlink(); pty.openpty()\n"
        "print(tempfile.TemporaryFile().write(b'x'), getpass.getuser())"
    )
    done = stage.run([sys.executable, "-c", program])
    assert done.stdout.split("\n")[:2] == ["[1, 2]", f"1 {getpass.getuser()}"], done.stderr


def test_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rerun's environment variables are a short list, whatever one's own are."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    found = sandbox.surroundings(Path("/envs/one/bin/python"), home="/home-of/anna")
    assert set(found) <= {"PATH", "HOME", "USER", "LOGNAME", "TERM", "TZ", "LANG", "LANGUAGE"} | {
        name for name in found if name.startswith("LC_")
    }
    assert found["LC_ALL"] == "C.UTF-8"
    assert found["HOME"] == "/home-of/anna"
    assert found["PATH"].startswith("/envs/one/bin:")


def test_channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder of a kernel's sockets has a short path, and is gone in the end."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with sandbox.channels() as folder:
        assert len(str(folder)) < 80
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()
