from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from py_mlops import sandbox
from py_mlops.sandbox import Limits
from tests.sandbox.stage import Stage


def test_memory_of_one(stage: Stage) -> None:
    """A program that wants more memory than it may have gets a MemoryError it can catch."""
    argv = [sys.executable, "-c", "bytearray(1 << 30)"]
    assert "MemoryError" in stage.run(argv, limits=Limits(memory=300 << 20)).stderr


def test_memory_of_all(stage: Stage) -> None:
    """Many programs that together take too much are ended, and the reason is said."""
    program = (
        "import os, time\n"
        "for _ in range(6):\n    if not os.fork(): x = b'x' * (100 << 20); time.sleep(60)\n"
        "time.sleep(60)"
    )
    done = stage.run([sys.executable, "-c", program], limits=Limits(memory=300 << 20))
    assert done.returncode == -signal.SIGKILL
    assert "sandbox: ended: its processes used" in done.stderr


def test_shared_pages_count_once(stage: Stage) -> None:
    """Forked workers that share their parent's memory are not taken for hogs."""
    program = (
        "import os, time\nx = b'x' * (120 << 20)\n"
        "for _ in range(6):\n    if not os.fork(): time.sleep(1); os._exit(0)\n"
        "time.sleep(1.2); print('done')"
    )
    done = stage.run([sys.executable, "-c", program], limits=Limits(memory=300 << 20))
    assert done.stdout == "done\n", done.stderr


def test_disk(stage: Stage) -> None:
    """A program that fills the disk is ended before the last of it is gone."""
    disk = os.statvfs(stage.mirror)
    most = disk.f_bavail * disk.f_frsize
    program = "x = open('/tmp/big', 'wb')\nwhile True: x.write(bytes(1 << 20)); x.flush()"
    done = stage.run(
        [sys.executable, "-c", program], limits=Limits(reserve=most - (64 << 20), file=most)
    )
    assert done.returncode == -signal.SIGKILL
    assert "sandbox: ended: it filled the disk" in done.stderr


def test_forks(stage: Stage) -> None:
    """A program that forks without end is held, and the sandbox still ends with it."""
    script = "f() { f | f & }; f 2>/dev/null; sleep 1; echo out"
    done = stage.run(["bash", "-c", script], limits=Limits(processes=60, memory=1 << 30))
    assert done.returncode in (0, 254, 1), done.stderr[-300:]


def test_default_limits(tmp_path: Path) -> None:
    """By default a rerun leaves a tenth of the memory and a part of the disk to the machine."""
    found = Limits().resolve(tmp_path)
    assert found["memory"] == sandbox.machine_memory() * 9 // 10
    assert 0 < found["reserve"] <= 1 << 30
    assert found["processes"] >= 1024
