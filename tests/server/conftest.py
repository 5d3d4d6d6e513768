"""A Jupyter server that has our package, with kernels of environments that have not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from py_mlops.environment import uv
from tests.jupyter import Kernel, Server, jupyter_server, kernelspec

LAUNCH = ("-m", "ipykernel_launcher")


@pytest.fixture(scope="session")
def foreign(home: Path) -> str:
    """The Python of an environment in which our package is not installed."""
    return environment(home / "foreign", sys.executable, "numpy", "pandas", "scikit-learn")


def environment(folder: Path, python: str, *packages: str) -> str:
    """Make an environment with ipykernel and more; return its Python."""
    folder.mkdir(parents=True)
    made = uv.run(["venv", "--quiet", "--python", python, "env"], folder=folder)
    assert made.ok, made.error
    own = folder / "env" / "bin" / "python"
    filled = uv.run(["pip", "install", "--python", own, "ipykernel", *packages], folder=folder)
    assert filled.ok, filled.error
    return str(own)


@pytest.fixture(scope="session")
def server(home: Path, foreign: str) -> Iterator[Server]:
    """A server nobody has configured, but for its kernels."""
    place = home / "server"
    kernelspec(place, "foreign", [foreign, *LAUNCH])
    kernelspec(place, "unfrozen", [foreign, "-Xfrozen_modules=off", *LAUNCH])
    kernelspec(place, "own", [sys.executable, *LAUNCH])
    kernelspec(place, "untouched", [foreign, *LAUNCH], env={"MLOPS_OBSERVE": "0"})
    kernelspec(place, "wrapped", ["/usr/bin/env", foreign, *LAUNCH])
    # An interpreter that runs everything but us, as one that does not bear a tracer.
    fussy = place / "bin" / "python"
    fussy.parent.mkdir()
    fussy.write_text(
        f'#!/bin/sh\ncase "$1" in *.zip) kill -9 $$;; esac\nexec {foreign} "$@"\n', encoding="utf-8"
    )
    fussy.chmod(0o755)
    kernelspec(place, "fussy", [str(fussy), *LAUNCH])
    with jupyter_server(place) as running:
        yield running


@pytest.fixture
def kernel(server: Server) -> Iterator[Kernel]:
    """A kernel of the foreign environment, as JupyterLab starts it for a notebook."""
    running = server.start("foreign")
    yield running
    server.shut_down(running)
