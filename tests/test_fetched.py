"""A notebook that downloads its data with wget and curl is trained again without a network."""

from __future__ import annotations

import functools
import http.server
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.projects import mlops, write_notebook

CELLS = [
    "!wget -q {at}/a.csv -O 'my data.csv' && cat 'my data.csv'",
    """\
%%bash
set -e
mkdir -p raw
wget -q -P raw {at}/b%20c.csv
curl -sO {at}/a.csv
curl -s {at}/a.csv > copy.csv
wc -l raw/* a.csv copy.csv""",
    """\
import subprocess, pathlib
subprocess.run(['curl', '-sf', '{at}/b%20c.csv', '-o', 'd.csv'], check=True)
print([(path.name, path.read_text()) for path in sorted(pathlib.Path().glob('*.csv'))])""",
]


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve two tables; yield the address."""
    (folder / "a.csv").write_text("a\n1\n")
    (folder / "b c.csv").write_text("b\n2\n3\n")
    answers = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), answers) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_what_programs_downloaded_is_given_to_a_rerun(tmp_path: Path) -> None:
    """Files that wget and curl made are there again; what curl only showed is a difference."""
    ours: dict[str, Any] = {"MLOPS_STORE": str(tmp_path / "store")}
    (tmp_path / "www").mkdir()
    with served(tmp_path / "www") as at:
        cells = [cell.replace("{at}", at) for cell in CELLS]
        first = write_notebook(tmp_path / "first" / "n.ipynb", cells)
        shown = f"!curl -s {at}/a.csv"
        second = write_notebook(tmp_path / "second" / "n.ipynb", [*cells[:1], shown])
        ran = [mlops("run", one, "--json", **ours) for one in (first, second)]
    assert [one.code for one in ran] == [0, 0], [one.err for one in ran]
    holes = ran[0].value[0]["capture"]["holes"]
    assert len(holes) == len(CELLS), holes
    assert not any(hole["blocking"] for hole in holes)
    assert "is kept, and given to a rerun (my data.csv)" in holes[0]["text"]
    assert [hole["blocking"] for hole in ran[1].value[0]["capture"]["holes"]] == [False, True]
    for project in (first, second):
        shutil.rmtree(project.parent)
    again, other = (
        mlops("reproduce", one.value[0]["id"], "--yes", "--json", **ours).value for one in ran
    )
    assert again["level"] == "equivalent", again
    assert "What 3 of 3 cells showed is the same." in again["reason"]
    assert other["level"] == "different"
    assert other["first_difference"]["count"] == len(CELLS) - 1
    assert other["cause"].startswith("network: ")
