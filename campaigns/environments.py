"""Rebuilds environments of every Python there is from the vault, without a network.

Each case is an environment of libraries of its time, in which our package is
not installed. A notebook is trained in it and snapshotted with its wheels, and
bundled; then the environment, the project, uv's cache and the network are
taken away, and the bundle is reproduced with a new store.

Run it with ``python -m campaigns.environments``; names after it try only these.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat
import uv
from nbformat.v4 import new_code_cell, new_notebook

import py_mlops
from campaigns import conda_channel

FIT = """\
import numpy, sklearn
from sklearn.datasets import load_iris
from sklearn.ensemble import RandomForestClassifier
X, y = load_iris(return_X_y=True)
clf = RandomForestClassifier(n_estimators=20).fit(X[::2], y[::2])
X_test = X[1::2]
accuracy = float(clf.score(X_test, y[1::2]))
print(numpy.__version__, sklearn.__version__, accuracy)"""
LEAST = """\
import random
weights = [random.random() for _ in range(9)]
accuracy = sum(weights) / 9
print(accuracy)"""
OF_CONDA = """\
import sys, zz_answer
print(zz_answer.VALUE, (sys.prefix == sys.base_prefix) and 'a prefix of its own')"""
DENSE = """\
import numpy, tensorflow as tf
tf.random.set_seed(4)
x = numpy.linspace(0, 1, 64, dtype='float32').reshape(-1, 1)
model = tf.keras.Sequential([tf.keras.layers.Dense(4, activation='tanh'), tf.keras.layers.Dense(1)])
model.compile('sgd', 'mse')
accuracy = float(model.fit(x, x ** 2, epochs=3, shuffle=False, verbose=0).history['loss'][-1])
print(tf.__version__, accuracy)"""


@dataclass(frozen=True)
class Case:
    """An environment to be rebuilt.

    Attributes:
        python: Its interpreter's version.
        packages: What is installed into it.
        cells: The notebook.
        model: Whether there is a model ``clf`` with held-out inputs.
        own: Whether it also has an editable, a version-controlled and an
            unheard-of package, and installs another one on its way.
        conda: Whether its interpreter and a package that no index has are conda's.
    """

    python: str
    packages: tuple[str, ...]
    cells: tuple[str, ...] = (FIT,)
    model: bool = True
    own: bool = False
    conda: bool = False


CASES: Mapping[str, Case] = {
    "3.8": Case(
        "3.8.18", ("numpy==1.19.5", "scipy==1.5.4", "scikit-learn==0.24.2", "ipykernel==5.5.6")
    ),
    "3.9": Case(
        "3.9.18", ("numpy==1.21.6", "pandas==1.3.5", "scikit-learn==1.0.2", "ipykernel==6.6.0")
    ),
    "3.10": Case("3.10.13", ("numpy==1.23.5", "scikit-learn==1.2.2", "ipykernel==6.23.3")),
    "3.11": Case("3.11.7", ("numpy==1.26.4", "scikit-learn==1.3.2", "ipykernel==6.29.5")),
    "3.12": Case("3.12.1", ("numpy==1.26.4", "scikit-learn==1.4.2", "ipykernel==6.29.5")),
    "3.13": Case("3.13.0", ("numpy==2.1.3", "scikit-learn==1.5.2", "ipykernel==7.1.0")),
    "own": Case(
        "3.10.13",
        ("ipykernel==6.23.3", "six==1.16.0", "pip==23.0.1"),
        (
            "import six, zz_tree, zz_control, zz_unheard\nprint(six.__version__ > '', zz_tree.N)",
            "%pip install --quiet --disable-pip-version-check six==1.17.0",
            LEAST,
        ),
        model=False,
        own=True,
    ),
    "small": Case("3.11.7", ("ipykernel==6.29.5",), (LEAST,), model=False),
    "conda": Case(
        conda_channel.VERSION,
        ("ipykernel==6.29.5",),
        (OF_CONDA, LEAST),
        model=False,
        conda=True,
    ),
    "tensorflow": Case(
        "3.8.18",
        ("tensorflow-cpu==2.2.0", "numpy==1.18.5", "protobuf==3.20.3", "ipykernel==5.5.6"),
        (DENSE,),
        model=False,
    ),
}
SLICE = ("3.8", "own", "conda")
"""What ``make test`` tries: the oldest, every kind of package, and conda's."""

_TREE = """\
[build-system]
requires = ["setuptools"]
build-backend = "setuptools.build_meta"
[project]
name = "{0}"
version = "0.3"
[tool.setuptools]
packages = ["{0}"]
"""


class NotCovered(Exception):  # noqa: N818 - it is a reason, printed
    """This machine cannot show it."""


@dataclass
class Outcome:
    """What came of a case.

    Attributes:
        snapshot: The record of its snapshot.
        reproduction: The record of its rerun.
        seconds: What it took to snapshot, and to reproduce.
        offline: Whether there was really no network.
        size: Bytes of the bundle.
    """

    snapshot: dict[str, Any]
    reproduction: dict[str, Any]
    seconds: tuple[float, float]
    offline: bool
    size: int
    holes: list[str] = field(default_factory=list)


def interpreter(version: str) -> Path:
    """Return the path of a Python: pyenv's, or one that uv knows.

    Raises:
        NotCovered: When it is not on this machine.
    """
    home = pwd.getpwuid(os.getuid()).pw_dir  # tests have a HOME of their own
    root = Path(os.environ.get("PYENV_ROOT") or Path(home, ".pyenv"))
    path = root / "versions" / version / "bin" / "python"
    if path.exists():
        return path
    found = subprocess.run(
        [uv.find_uv_bin(), "python", "find", "--no-python-downloads", version],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if found.returncode or not found.stdout.strip():
        raise NotCovered(f"Python {version} is not on this machine")
    return Path(found.stdout.strip())


def no_network() -> list[str]:
    """Return the command behind which there is no network; empty where that is not allowed."""
    command = ["unshare", "-n"] if os.getuid() == 0 else ["unshare", "-rn"]
    done = subprocess.run([*command, "true"], capture_output=True, check=False)
    return [] if done.returncode else command


def ordinary_user() -> list[str]:
    """Return the command behind which root is an ordinary user, with a Python all may start.

    It has our own packages, but neither root's files nor root's interpreters.

    Raises:
        NotCovered: When there is no such Python of our own minor version here.
    """
    if os.getuid():
        return [sys.executable]
    package = Path(py_mlops.__file__).parent.parent
    path = os.pathsep.join([str(package), sysconfig.get_path("purelib")])
    command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "env",
               f"PYTHONPATH={path}", "/usr/bin/python3"]  # fmt: skip
    tried = "import sys, py_mlops.commands.reruns.reproduce; assert sys.version_info[:2] == (3, 11)"
    done = subprocess.run([*command, "-c", tried], capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise NotCovered(f"an ordinary user may not start a Python with our packages here ({last})")
    return command


def attempt(case: Case, folder: Path, python: Sequence[str] = (sys.executable,)) -> Outcome:
    """Snapshot a case, take the world away, and reproduce it.

    Args:
        case: What to try.
        folder: An empty folder; what lies in it afterwards may be looked at.
        python: How the Python is started that reproduces it; see `ordinary_user`.

    Raises:
        NotCovered: When its Python is not there.
        AssertionError: When a command failed.
    """
    project, environment = folder / "project", folder / "env"
    if case.conda:
        _prefix(environment, folder)
    else:
        _run(uv.find_uv_bin(), "venv", "--quiet", "--python", interpreter(case.python), environment)
    _make(case, environment, folder)
    cells = [new_code_cell(source, id=f"c{n}") for n, source in enumerate(case.cells)]
    spec = {"name": "of-its-time", "display_name": "of its time", "language": "python"}
    project.mkdir()
    nbformat.write(new_notebook(cells=cells, metadata={"kernelspec": spec}), project / "n.ipynb")
    first: dict[str, Any] = {
        "MLOPS_STORE": folder / "store",
        "MLOPS_CACHE": folder / "cache",
        "JUPYTER_PATH": folder / "jupyter",
    }
    wanted = ["--model", "clf", "--holdout", "X_test"] if case.model else []
    began = time.monotonic()
    taken = mlops(
        "run", project / "n.ipynb", "--metric", "accuracy", *wanted, "--vault", "--json", **first
    )
    middle = time.monotonic()
    bundle = folder / "n.mlops"
    mlops("bundle", taken[0]["id"], bundle, "--json", **first)
    for name in ("project", "env", "store", "cache", "jupyter", "tree", "control", "channel"):
        shutil.rmtree(folder / name, ignore_errors=True)
    later = time.monotonic()
    behind, home = no_network(), folder / "home"
    home.mkdir(mode=0o777)
    home.chmod(0o777)
    done = mlops(
        "reproduce", bundle, "--yes", "--json",
        python=[*behind, *python], codes=(0, 10, 11, 12), HOME=home,
        MLOPS_STORE=home / "store", MLOPS_CACHE=home / "cache",
        UV_CACHE_DIR=home / "uv", UV_OFFLINE="1",
    )  # fmt: skip
    ended = time.monotonic()
    return Outcome(
        snapshot=taken[0],
        reproduction=done,
        seconds=(middle - began, ended - later),
        offline=bool(behind),
        size=bundle.stat().st_size,
        holes=[hole["text"] for hole in taken[0]["capture"]["holes"]],
    )


def mlops(
    *words: str | Path,
    python: Sequence[str] = (sys.executable,),
    codes: Sequence[int] = (0,),
    **environment: str | Path,
) -> Any:
    """Run the command line; return what it says with ``--json``."""
    done = subprocess.run(
        [*python, "-m", "py_mlops", *map(str, words)],
        env={**os.environ, **{name: str(value) for name, value in environment.items()}},
        cwd=environment.get("HOME"), stdin=subprocess.DEVNULL,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode in codes, f"{words[0]}: {done.returncode}\n{done.stdout}{done.stderr}"
    return json.loads(done.stdout)


def _prefix(environment: Path, folder: Path) -> None:
    """Make an environment of conda's, from a channel of our own."""
    channel = folder / "channel"
    (folder / "stripped").mkdir()
    value: dict[str, conda_channel.Content] = {"site-packages/zz_answer.py": b"VALUE = 42\n"}
    about = "site-packages/zz_answer-1.0.dist-info"
    value[f"{about}/METADATA"] = b"Metadata-Version: 2.1\nName: zz-answer\nVersion: 1.0\n"
    value |= {f"{about}/INSTALLER": b"conda\n", f"{about}/RECORD": b""}
    archives = [
        conda_channel.this_python(channel / conda_channel.subdir(), folder / "stripped"),
        conda_channel.package(channel / "noarch", "zz-answer", "1.0", value, noarch=True),
    ]
    conda_channel.install(environment, *archives, cache=folder / "channel" / "unpacked")


def _make(case: Case, environment: Path, folder: Path) -> None:
    """Fill an environment, and make its kernelspec."""
    packages: list[str | Path] = list(case.packages)
    if case.own:
        packages += _own(folder)
    own_python = environment / "bin" / "python"
    _run(uv.find_uv_bin(), "pip", "install", "--quiet", "--python", own_python, *packages)
    for forgotten in environment.glob("lib/python*/site-packages/zz_unheard-*/direct_url.json"):
        forgotten.unlink()  # as if an index had had it
    spec = folder / "jupyter" / "kernels" / "of-its-time"
    spec.mkdir(parents=True)
    argv = [str(own_python), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    described = {"argv": argv, "display_name": "of its time", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(described))


def _own(folder: Path) -> list[str | Path]:
    """Make packages that no index has; return what to install."""
    for name, place in (("zz_tree", "tree"), ("zz_control", "control"), ("zz_unheard", "unheard")):
        (folder / place / name).mkdir(parents=True)
        (folder / place / "pyproject.toml").write_text(_TREE.format(name))
        (folder / place / name / "__init__.py").write_text("N = 1\n")
    for place in ("tree", "control"):
        _run("git", "init", "-q", folder / place)
        _run("git", "-C", folder / place, "add", "-A")
        _run("git", "-C", folder / place, "-c", "user.name=A", "-c", "user.email=a@example.org",
             "commit", "-q", "-m", "first")  # fmt: skip
    (folder / "tree" / "zz_tree" / "__init__.py").write_text("from zz_tree.new import N\n")
    (folder / "tree" / "zz_tree" / "new.py").write_text("N = 42\n")
    control = f"zz-control @ git+{(folder / 'control').as_uri()}"
    return ["-e", folder / "tree", control, folder / "unheard"]


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stderr}"


def main(names: Sequence[str] = ()) -> int:
    """Try the cases; return how many failed."""
    failed = 0
    for name in names or CASES:
        folder = Path(tempfile.mkdtemp(prefix="environments-"))
        try:
            outcome = attempt(CASES[name], folder)
            level = outcome.reproduction["level"]
            kept = sum(1 for one in outcome.snapshot["environment"]["distributions"] if one["kept"])
            once, again = outcome.seconds
            where = "no network" if outcome.offline else "not covered: no namespaces here"
            print(
                f"{name}: {level}, {kept} wheels, bundle {outcome.size >> 20} MiB, "
                f"snapshot {once:.0f} s, reproduced in {again:.0f} s, {where}",
                flush=True,
            )
            failed += level != "identical"
            if level != "identical":
                print(json.dumps(outcome.reproduction, indent=1)[:4000])
        except NotCovered as reason:
            print(f"{name}: not covered: {reason}", flush=True)
        except AssertionError as error:
            failed += 1
            print(f"{name}: FAILED: {error}", flush=True)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
