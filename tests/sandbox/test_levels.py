from __future__ import annotations

import os
import subprocess
import sys

from py_mlops import sandbox
from py_mlops.sandbox import Level
from tests.sandbox.stage import Stage
from tests.sandboxed import PACKAGE

CLOSED = ["unshare", "--user", "--map-root-user", "sh", "-c"]


CLOSE = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'


def test_no_namespaces(stage: Stage) -> None:
    """Where the system opens no namespaces, the level is lower and the reason is told."""
    program = "from py_mlops import sandbox; print(*vars(sandbox.available()).values(), sep='|')"
    done = subprocess.run(
        [*CLOSED, CLOSE, "sh", sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    level, why = done.stdout.strip().split("|")
    assert level == Level.COPY
    assert "user namespaces" in why
    closed = [*CLOSED, CLOSE, "sh", *stage.command(["echo", "ran"])]
    done = subprocess.run(closed, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (125, "")


def test_copy(stage: Stage) -> None:
    """At level copy the command is unchanged, and absolute paths are named as out of reach."""
    argv = ["cat", "data.csv"]
    unchanged = sandbox.command(
        argv, mirror=stage.mirror, directory=str(stage.host), level=Level.COPY
    )
    assert unchanged == argv
    cwd = sandbox.inside(stage.mirror, str(stage.host))
    assert subprocess.run(argv, cwd=cwd, capture_output=True, check=True).stdout == b"recorded"
    requested = ["data.csv", "/data/x.csv", "../y.csv", "~/z.csv", "/data/x.csv"]
    assert sandbox.unreachable(requested, Level.COPY) == ["/data/x.csv", "~/z.csv"]
    assert sandbox.unreachable(requested, Level.NAMESPACES) == []
