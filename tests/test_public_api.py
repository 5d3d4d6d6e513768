"""What others may rely on: exported names, errors, entry points, a quick import."""

from __future__ import annotations

import importlib
import importlib.metadata
import importlib.resources
import inspect
import json
import pickle
import pkgutil
import subprocess
import sys

import pytest
from papermill.engines import papermill_engines

import py_mlops
from py_mlops import errors

ROOMS = sorted(
    name for _, name, is_package in pkgutil.iter_modules(py_mlops.__path__) if is_package
)
ERRORS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.MlopsError)
]
# Each takes a noticeable time to import; nobody who only loads the extension pays for them.
SLOW = {"sqlalchemy", "papermill", "nbclient", "nbformat", "numpy", "pandas", "sklearn"}


def modules_after(statement: str) -> set[str]:
    """Return the top packages loaded in a fresh interpreter after a statement."""
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )  # fmt: skip
    return {name.split(".")[0] for name in json.loads(done.stdout)}


@pytest.mark.parametrize("room", [name for name in ROOMS if name != "guest"])
def test_exported_names_exist_and_are_documented(room: str) -> None:
    """Every name in a room's ``__all__`` is there, and every class and function says what it is."""
    module = importlib.import_module(f"py_mlops.{room}")
    for name in getattr(module, "__all__", ()):
        exported = getattr(module, name)
        if inspect.isclass(exported) or inspect.isfunction(exported):
            assert inspect.getdoc(exported), name


def test_the_tree_of_errors_is_drawn() -> None:
    """The tree in errors.py names every error, and only errors that exist."""
    drawn = set(errors.__doc__.split()) if errors.__doc__ else set()
    assert {kind.__name__ for kind in ERRORS} <= drawn


@pytest.mark.parametrize("kind", ERRORS, ids=lambda kind: kind.__name__)
def test_an_error_says_what_to_do(kind: type[errors.MlopsError]) -> None:
    """Every error carries a message and a hint, shows both, and survives a process boundary."""
    error = pickle.loads(pickle.dumps(kind("It is gone.", hint="Put it back.")))
    assert type(error) is kind
    assert (error.message, error.hint) == ("It is gone.", "Put it back.")
    assert "It is gone." in str(error)
    assert "Put it back." in str(error)


def test_entry_points() -> None:
    """The command ``mlops`` leads to code, and papermill knows the engine ``mlops``."""
    found = {
        entry.name: entry
        for entry in importlib.metadata.distribution("py-mlops").entry_points
        if entry.group == "console_scripts"
    }
    assert set(found) == {"mlops"}
    assert callable(found["mlops"].load())
    assert papermill_engines.get_engine("mlops").__name__ == "MlopsEngine"


def test_version() -> None:
    """The installed version is the one the package states."""
    assert importlib.metadata.version("py-mlops") == py_mlops.__version__


def test_typed() -> None:
    """The package tells type checkers that it is typed."""
    assert importlib.resources.files(py_mlops).joinpath("py.typed").is_file()


@pytest.mark.parametrize(
    "statement", ["import py_mlops", "import py_mlops.kernel.magics", "import py_mlops.cli"]
)
def test_import_is_quick(statement: str) -> None:
    """Loading the extension or asking for ``--help`` imports nothing slow."""
    assert modules_after(statement) & SLOW == set()
