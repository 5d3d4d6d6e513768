"""A notebook that asks the web something new each time it runs, and swallows errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.projects import mlops, write_notebook
from tests.webserver import serving

ASK = """\
import os, time, urllib.request
def ask(path):
    try:
        with urllib.request.urlopen(os.environ['SERVER'] + path, timeout=9) as answer:
            return answer.read().decode()
    except OSError:
        return 'nothing'"""


def test_a_question_that_was_not_recorded_is_in_the_verdict(tmp_path: Path) -> None:
    """Without a network it is not answered, with one it is; recorded answers are played back."""
    cells = [ASK, "print(ask('/count'))", "print(ask(f'/count?new={time.time_ns()}'))"]
    notebook = write_notebook(tmp_path / "p" / "n.ipynb", cells)
    with serving() as url:
        settings: dict[str, Any] = {"SERVER": url, "MLOPS_STORE": str(tmp_path / "store")}
        ran = mlops("run", notebook, "--json", **settings)
        assert ran.code == 0, ran.err
        wanted = ["reproduce", ran.value[0]["id"], "--json", "--env", "SERVER"]
        verdicts = [mlops(*wanted, *more, **settings) for more in ([], ["--network"])]
    alone, asked = ({axis["name"]: axis for axis in done.value["axes"]} for done in verdicts)
    for data in (alone["data"], asked["data"]):
        assert data["state"] == "different"
        assert data["text"] == "The rerun asked 1 question that the recorded run did not."
        assert f"{url}: GET {url}/count?new=" in data["details"][0]
    assert "now:  nothing" in alone["outputs"]["details"]
    assert asked["outputs"]["state"] == "same"


DOWNLOAD = """\
import subprocess, sys
words = "import sys, urllib.request as u; sys.stdout.buffer.write(u.urlopen(sys.argv[1]).read())"
done = subprocess.run([sys.executable, "-c", words, AT], capture_output=True)"""


@pytest.mark.parametrize(
    ("last", "level"),
    [
        ("with open('table.csv', 'xb') as file:\n    assert file.write(done.stdout)", "failed"),
        ("size = len(done.stdout)", "different"),
    ],
)
def test_what_a_child_process_was_answered_is_the_cause(
    tmp_path: Path, last: str, level: str
) -> None:
    """Also where another cell fails for want of it, or only a metric differs."""
    with serving() as url:
        cells = [f"AT = '{url}/csv'", DOWNLOAD, last]
        notebook = write_notebook(tmp_path / "p" / "n.ipynb", cells)
        settings: dict[str, Any] = {"MLOPS_STORE": str(tmp_path / "store")}
        more = ["--metric", "size"] if level == "different" else []
        ran = mlops("run", notebook, "--json", *more, **settings)
    assert ran.code == 0, ran.err
    verdict = mlops("reproduce", ran.value[0]["id"], "--json", **settings).value
    assert verdict["level"] == level, verdict["reason"]
    assert verdict["cause"].startswith(
        "network: the program was answered from outside. Cell [2]: a child process connected to "
    )
