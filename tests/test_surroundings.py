"""A notebook finds what stood around its files again: links, names, home, language, time."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.projects import mlops, write_notebook

CELLS = [
    "import os, glob, getpass, pathlib, time",
    "print(sorted(glob.glob('images/**', recursive=True)))",
    "print([(p, os.path.getsize(p), os.path.getmtime(p)) for p in sorted(glob.glob('images/*'))])",
    "print(os.readlink('data'), open('data/a.csv').read(), os.path.realpath('data/a.csv'))",
    "print(open(os.path.expanduser('~/notes.txt')).read(), pathlib.Path.home(), getpass.getuser())",
    "print(time.tzname, time.ctime(os.path.getmtime('data/a.csv')), os.environ.get('LANG'))",
    "!./count.sh",
    "everything = os.environ.copy()\n![[ 1 = 1 ]] && echo as in bash",
    "os.symlink('r.txt', 'latest'); open('r.txt', 'w').write('2'); print(open('latest').read())",
    "os.remove('images/1.txt'); print(os.listdir('images'))",
    "os.remove('latest'); os.symlink('r.txt', 'latest'); print(open('latest').read())",
    "os.symlink('../disk/2025', 'new'); os.replace('new', 'data')\nopen('data/a.csv').read()",
    "!python -c 'import os; print(1); os._exit(0)'\n!no-such-program",
    "print(at_first(), open(os.path.expanduser('~/.cache/mine/words.txt')).read())",
    "import beyond\nprint(beyond.ANSWER)",
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Ada's folder, whose data is a link, and whose images nobody reads."""
    top = tmp_path / "home" / "ada" / "project"
    (top / "images" / "inner").mkdir(parents=True)
    for number in range(4):
        (top / "images" / f"{number}.txt").write_text("x" * number)
    (top / "images" / "inner" / "big").write_bytes(b"x" * 5000)
    data = top.parent / "disk" / "2024"
    data.mkdir(parents=True)
    (data / "a.csv").write_text("a,b\n1,2\n")
    (data.parent / "2025").mkdir()
    (data.parent / "2025" / "a.csv").write_text("a,b\n3,4\n5,6\n")
    os.utime(data / "a.csv", ns=(1_600_000_000_123_456_789,) * 2)
    (top / "data").symlink_to("../disk/2024")
    (top.parent / "notes.txt").write_text("of Ada")
    (top / "count.sh").write_text("#!/bin/sh\nwc -c < data/a.csv\n")
    (top / "count.sh").chmod(0o755)
    for name, text in {
        ".ipython/profile_default/startup/00-mine.py": "def at_first(): return 'defined before'",
        ".cache/mine/words.txt": "chosen by Ada",
        "her library/beyond.py": "ANSWER = 42",
    }.items():
        (top.parent / name).parent.mkdir(parents=True)
        (top.parent / name).write_text(text)
    return top


def taken_away(
    project: Path, cells: list[str], *also: Path
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a notebook in Ada's home, take it away, and reproduce it from another's.

    Args:
        project: Its folder.
        cells: The notebook's.
        also: Further files to take away.

    Returns:
        The verdict and the snapshot.
    """
    ours: dict[str, Any] = {"MLOPS_STORE": str(project.parents[2] / "store")}
    notebook = write_notebook(project / "n.ipynb", cells)
    ada = {
        "HOME": str(project.parent),
        "TZ": "Asia/Kathmandu",
        "LANG": "C.UTF-8",
        "SHELL": "/bin/bash",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": f"{project.parent}/her library",
    } | ours
    ran = mlops("run", notebook, "--json", **ada)
    assert ran.code == 0, ran.err
    for path in also:
        path.unlink()
    shutil.move(project.parents[1], project.parents[2] / "gone")
    ended = mlops("reproduce", ran.value[0]["id"], "--yes", "--json", **ours)
    return ended.value, ran.value[0]


def test_what_stood_around_a_notebook_is_found_again(project: Path) -> None:
    """With home, links, folders and what runs before a notebook gone, cells show the same."""
    verdict, taken = taken_away(project, CELLS)
    assert verdict["level"] == "equivalent", verdict["reason"]
    assert "What 14 of 15 cells showed is the same." in verdict["reason"]
    files = next(axis for axis in verdict["axes"] if axis["name"] == "files")
    assert files["state"] == "same", files
    assert taken["surroundings"]["variables"]["HOME"] == str(project.parent)


def test_a_file_that_nobody_had_read(project: Path) -> None:
    """A rerun that reads a file which was only listed is told so, and is given no zeros."""
    marker = project.parents[2] / "marker"
    marker.symlink_to("nowhere")  # looked at, which nobody sees, and gone with all the rest
    inner = f"bytes.fromhex('{b'images/inner'.hex()}').decode()"
    cells = [
        f"import os\nfolder = {inner}\nnames = os.listdir(folder)",
        f"seen = os.path.lexists({str(marker)!r})",
        "print('none' if seen else open(os.path.join(folder, names[0])).read())",
    ]
    verdict, _ = taken_away(project, cells, marker)
    assert verdict["level"] == "failed"
    assert "PermissionError" in verdict["reason"]
    assert verdict["cause"].startswith("data: the recorded run listed the folder of ")
    assert "images/inner/big" in verdict["cause"]
