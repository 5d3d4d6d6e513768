"""A notebook that overwrites its own raw data: what it read is kept, restored and reproduced."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.live import LiveKernel
from tests.projects import mlops, write_notebook

RAW = "x\n1\n2\n3\n"
READ = "numbers = [float(line) for line in open('data/raw.csv').read().split()[1:]]"
TRAIN = "numbers = [n / sum(numbers) for n in numbers]\nfirst = numbers[0]\nprint(first)"
WRITE = "text = 'x\\n' + '\\n'.join(map(str, numbers)) + '\\n'"
WAYS = {
    "in place": "with open('data/raw.csv', 'w') as stream:\n    _ = stream.write(text)",
    "renamed over": (
        "import os\nwith open('data/raw.tmp', 'w') as stream:\n    _ = stream.write(text)\n"
        "os.replace('data/raw.tmp', 'data/raw.csv')"
    ),
    "removed": "import pathlib\npathlib.Path('data/raw.csv').unlink()",
    "by a shell": "!echo cleaned > data/raw.csv",
}
SNAPSHOT = "%mlops snapshot cleaned --metric first"


def _cells(tmp_path: Path, way: str) -> list[str]:
    """Lay out a project whose notebook destroys its input."""
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "raw.csv").write_text(RAW)
    return [READ, TRAIN, WRITE, WAYS[way]]


def _check(tmp_path: Path) -> None:
    """The record holds the first content; restore and rerun bring it back."""
    [taken] = mlops("log", "--json").value
    shown = mlops("show", taken["id"], "--json").value
    [raw] = [file for file in shown["data"] if file["requested"] == "data/raw.csv"]
    assert (raw["role"], raw["rewritten"], raw["blobs"][0]["size"]) == ("input", True, len(RAW))
    assert not [hole for hole in shown["capture"]["holes"] if hole["kind"] == "data"]
    assert mlops("restore", taken["id"], tmp_path / "again").code == 0
    assert (tmp_path / "again" / "data" / "raw.csv").read_text() == RAW
    after = _content(tmp_path)
    ended = mlops("reproduce", taken["id"], "--json")
    assert ended.value["level"] == "identical", ended.out
    assert _content(tmp_path) == after  # the rerun overwrote its own copy


def _content(tmp_path: Path) -> str | None:
    path = tmp_path / "data" / "raw.csv"
    return path.read_text() if path.exists() else None


@pytest.mark.parametrize("way", ["in place", "by a shell"])
def test_a_kernel_keeps_what_it_overwrites(kernel: LiveKernel, tmp_path: Path, way: str) -> None:
    """In JupyterLab a notebook that overwrote its input is reproduced from what it had read."""
    kernel.run("%load_ext py_mlops")
    for source in _cells(tmp_path, way):
        kernel.run(source)
    assert _content(tmp_path) != RAW
    assert "rewritten" in kernel.run(SNAPSHOT)
    _check(tmp_path)


@pytest.mark.parametrize("way", ["renamed over", "removed"])
def test_a_headless_run_keeps_what_it_overwrites(tmp_path: Path, way: str) -> None:
    """`mlops run` on such a notebook gives a snapshot that is reproduced, too."""
    notebook = write_notebook(tmp_path / "cleaned.ipynb", _cells(tmp_path, way))
    ran = mlops("run", notebook, "--metric", "first", "--json")
    assert ran.code == 0, ran.err
    assert _content(tmp_path) != RAW
    _check(tmp_path)


def test_status_already_counts_on_the_copy(kernel: LiveKernel, tmp_path: Path) -> None:
    """What will be taken from the copy is no hole in `%mlops status`, and the copy goes at exit."""
    (tmp_path / "raw.csv").write_text(RAW)
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    kernel.run(f"import tempfile; tempfile.tempdir = {str(temporary)!r}")
    kernel.run("%load_ext py_mlops")
    kernel.run("text = open('raw.csv').read()\nopen('raw.csv', 'w').close()")
    assert "not kept" not in kernel.run("%mlops status")
    assert len(list(temporary.glob("mlops-originals-*"))) == 1
    kernel.manager.shutdown_kernel()
    assert list(temporary.iterdir()) == []
