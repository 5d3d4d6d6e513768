from __future__ import annotations

import os
from pathlib import Path

from py_mlops.guest.probe import open_in_child, open_natively, probe
from tests.traced import Traced


def test_gone_afterwards(tmp_path: Path) -> None:
    """The file of ours is removed, and its child process is over."""
    with probe(str(tmp_path)) as path:
        open_natively(path)
        child = open_in_child(path)
        assert os.listdir(tmp_path) == [os.path.basename(path)]
    assert os.listdir(tmp_path) == []
    assert not os.path.exists(f"/proc/{child}")


def test_python_does_not_see_it(traced: Traced) -> None:
    """The file is opened past Python's audit hook, once here and once in a child process."""
    code = (
        "import os, sys, ctypes; from py_mlops.guest.probe import *\nseen = []\n"
        "sys.addaudithook(lambda event, args: seen.append(args[0]) if event == 'open' else None)\n"
        "open_natively('data'); open_in_child('data'); assert 'data' not in seen"
    )
    traced.python(code, PYTHONPATH=str(Path(__file__).parents[2]))
    assert traced.files() == [("R", "data")] * 2
