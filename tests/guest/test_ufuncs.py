from __future__ import annotations

import json
import subprocess
import sys

import pytest

NAMES = """
import json, sys
from py_mlops.guest.ufuncs import found_at_once
from contextlib import nullcontext
import numpy, pandas, scipy.special
hooks = list(sys.meta_path)
with found_at_once() if sys.argv[1] == "with" else nullcontext():
    import skops.io
from skops.io import _trusted_types, _utils
assert sys.meta_path == hooks
assert _utils.whichmodule.__module__ == _utils.__name__
names = {name: value for name, value in vars(_trusted_types).items() if name.endswith("_NAMES")}
print(json.dumps(names, sort_keys=True))
"""
MISSING = """
import sys
from py_mlops.guest.ufuncs import found_at_once
sys.modules["skops"] = None
hooks = list(sys.meta_path)
try:
    with found_at_once():
        import skops.io
except ImportError:
    print(sys.meta_path == hooks)
"""
THERE = """
import skops.io
from skops.io import _utils
search = _utils.whichmodule
from py_mlops.guest.ufuncs import found_at_once
with found_at_once():
    print(_utils.whichmodule is search)
print(_utils.whichmodule is search)
"""
LAZY = """
import sys, types
class Setting:
    @property
    def __class__(self):
        raise RuntimeError("not configured")
class Module(types.ModuleType):
    def __getattribute__(self, name):
        raise ImportError("a lazy module that cannot be imported here")
sys.modules["settings"], sys.modules["lazy"] = types.ModuleType("settings"), Module("lazy")
sys.modules["settings"].setting = Setting()
import numpy
from py_mlops.guest.ufuncs import _ufuncs
print(_ufuncs()[id(numpy.add)].partition(".")[0])
"""


def run(code: str, *arguments: str) -> str:
    """Run code in a fresh interpreter and return what it printed."""
    argv = [sys.executable, "-c", code, *arguments]
    return subprocess.run(argv, capture_output=True, text=True, check=True).stdout


def test_skops_trusts_the_very_same_names() -> None:
    """What skops knows after a quick import is what its own search finds; then it has that back."""
    quick, searched = run(NAMES, "with"), run(NAMES, "without")
    assert quick == searched
    assert any("special" in name for name in json.loads(quick)["SCIPY_UFUNC_TYPE_NAMES"])


@pytest.mark.parametrize(("code", "expected"), [(MISSING, "True\n"), (THERE, "True\nTrue\n")])
def test_nothing_is_left_behind(code: str, expected: str) -> None:
    """A kernel without skops, or with skops imported already, stays as it was."""
    assert run(code) == expected


def test_nothing_lazy_is_asked() -> None:
    """Modules and settings that set themselves up when asked stay as they are."""
    assert run(LAZY) == "numpy\n"
