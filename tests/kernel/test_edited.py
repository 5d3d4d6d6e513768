"""A person edits modules and scripts while the notebook runs: a rerun has each as it was read."""

from __future__ import annotations

import os
from pathlib import Path

from tests.live import LiveKernel
from tests.projects import mlops

MODULE = "def scaled(x):\n    return x * {}\n"


def _edit(path: Path, text: str, second: int) -> None:
    path.write_text(text)
    os.utime(path, (second, second))  # a person takes longer than a test


def test_each_version_is_there_when_it_is_read(kernel: LiveKernel, tmp_path: Path) -> None:
    """A script run twice and a module under autoreload give in a rerun what they gave."""
    script, module = tmp_path / "settings.py", tmp_path / "features.py"
    _edit(script, "FACTOR = 2\n", 1_700_000_000)
    _edit(module, MODULE.format(10), 1_700_000_000)
    kernel.run("%load_ext py_mlops\n%load_ext autoreload\n%autoreload 2\nimport features")
    kernel.run("%run settings.py\ntotal = features.scaled(FACTOR)")
    _edit(script, "FACTOR = 3\n", 1_700_000_009)
    kernel.run("%run settings.py\ntotal += features.scaled(FACTOR)")
    _edit(module, MODULE.format(1000), 1_700_000_009)
    kernel.run("total += features.scaled(FACTOR)\nprint(total)")
    kernel.run("%mlops snapshot edited --metric total")
    [taken] = mlops("log", "--json").value
    shown = mlops("show", taken["id"], "--json").value
    modules = {Path(one["path"]).name: one for one in shown["program"]["modules"]}
    assert {name: len(one["versions"]) for name, one in modules.items()} == {
        "settings.py": 2,
        "features.py": 2,
    }
    assert not [hole for hole in shown["capture"]["holes"] if hole["kind"] == "data"]
    script.unlink()
    module.unlink()
    ended = mlops("reproduce", taken["id"], "--json")
    assert ended.value["level"] == "identical", ended.out
    assert ended.value["metrics"][0]["rerun"] == 3050
