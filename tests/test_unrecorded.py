"""A notebook that asks the web something new each time it runs, and swallows errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
