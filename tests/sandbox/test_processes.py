from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from py_mlops.sandbox import Level
from tests.sandbox.stage import Stage
from tests.sandboxed import USERS, public, run_as

SCENARIO = """
import json, os, subprocess, sys
from pathlib import Path
from py_mlops import sandbox
desk = Path(sys.argv[1])
host, mirror = desk / "project", desk / "mirror"
host.mkdir()
(host / "stale.txt").write_text("host")
sandbox.inside(mirror, str(host)).mkdir(parents=True)
sandbox.inside(mirror, str(host / "data.csv")).write_text("recorded")
elsewhere = sandbox.inside(mirror, "/recorded-elsewhere/big.csv")
elsewhere.parent.mkdir()
elsewhere.write_text("big")
program = '''
import os
print(open("data.csv").read(), open(os.getcwd() + "/data.csv").read(),
      open("/recorded-elsewhere/big.csv").read(), os.getuid(), os.getgid(), os.getcwd(),
      os.listdir(), flush=True)
open("out.txt", "w").write("made")
open("/recorded-elsewhere/big.csv", "a").write("ger")
os.execvp("sh", ["sh", "-c", "exit 7"])
'''
argv = sandbox.command(
    [sys.executable, "-ISc", program], mirror=mirror, directory=str(host),
    level=sandbox.available().level)
done = subprocess.run(argv, capture_output=True, text=True)
made = sandbox.inside(mirror, str(host / "out.txt"))
written = [(one.path.replace(str(host), ""), one.size) for one in sandbox.written(mirror)]
print(json.dumps([sandbox.available().level, done.returncode, done.stdout.split(), done.stderr,
    os.getuid(), str(host), os.listdir(host), made.read_text(), made.stat().st_uid, written]))
sandbox.clear(mirror)
print(os.listdir(desk))
"""


@pytest.mark.parametrize("user", USERS)
def test_every_user(user: str) -> None:
    """Any user's program finds recorded files where they were, and leaves the host as it is."""
    with public() as folder:
        done = run_as(user, folder, ["-c", SCENARIO, str(folder / "desk")])
    assert done.returncode == 0, done.stderr
    first, left_on_desk = done.stdout.splitlines()
    level, code, seen, errors, uid, host, left, made, owner, written = json.loads(first)
    assert level == Level.NAMESPACES
    assert (code, errors) == (7, "")
    assert seen == ["recorded", "recorded", "big", "1000", "1000", host, "['data.csv']"]
    assert left == ["stale.txt"]
    assert (made, owner) == ("made", uid)
    assert sorted(written) == [["/out.txt", 4], ["/recorded-elsewhere/big.csv", 6]]
    assert left_on_desk == "['project']"


def started(stage: Stage, script: str) -> tuple[subprocess.Popen[str], Path]:
    """Start a script that makes the file `up` when it runs; wait for that."""
    argv = stage.command(["sh", "-c", f"{script} & touch up; wait"])
    running = subprocess.Popen(argv, text=True)
    up = stage.recorded(stage.host / "up")
    while not up.exists():
        assert running.poll() is None
        time.sleep(0.01)
    return running, up


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_kill(stage: Stage, number: int) -> None:
    """Whoever kills the process that was started has killed the program, and nothing is left."""
    marker = f"10{os.getpid()}.{int(number)}"
    running, _ = started(stage, f"setsid sleep {marker}")
    running.send_signal(number)
    assert running.wait(timeout=60) == -number
    assert gone(marker)


def test_parent_ends(stage: Stage) -> None:
    """When the process that started a sandbox is gone, the sandbox goes too."""
    marker = f"20{os.getpid()}.0"
    argv = stage.command(["sh", "-c", f"touch up; sleep {marker}"])
    program = (
        "import subprocess, sys, time, pathlib; subprocess.Popen(sys.argv[2:])\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)"
    )
    up = str(stage.recorded(stage.host / "up"))
    subprocess.run([sys.executable, "-c", program, up, *argv], check=True, timeout=60)
    assert gone(marker)


def gone(marker: str) -> bool:
    """Wait until no process of this machine has a word in its command line."""
    for _ in range(600):
        lines = []
        for process in Path("/proc").glob("[0-9]*"):
            if process.name == str(os.getpid()):
                continue
            try:
                lines.append((process / "cmdline").read_bytes().split(b"\0"))
            except OSError:
                continue
        if not any(line[:2] == [b"sleep", marker.encode()] for line in lines):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["sh", "-c", "exit 42"], 42), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_exit_code(stage: Stage, argv: list[str], code: int) -> None:
    """The exit code is the program's own, and 126 or 127 when it cannot be started."""
    assert stage.run(argv).returncode == code
