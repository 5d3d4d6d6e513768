"""Which Python a notebook's kernel runs on."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbformat import NotebookNode

from py_mlops.errors import InputError
from py_mlops.progress import Progress, Report, silent

_OLDEST = (3, 8)
_SECONDS = 60
_WHO = """\
import importlib.util, platform, sys
kernel = importlib.util.find_spec("ipykernel")
print("mlops", platform.python_implementation(), platform.python_version(), int(bool(kernel)))
"""


def interpreter_of(notebook: NotebookNode, report: Report = silent) -> str:
    """Return the path of the Python that a notebook's kernelspec starts.

    A kernelspec that is not installed here, as on most machines a notebook
    travels to, falls back to the Python we run on when its language is Python.

    Args:
        notebook: The notebook.
        report: Told when another kernel than the notebook's own is taken.

    Returns:
        An absolute path.

    Raises:
        InputError: When the notebook is of another language, or its kernel
            does not start a Python directly.
    """
    spec = notebook.metadata.get("kernelspec", {})
    language = spec.get("language") or notebook.metadata.get("language_info", {}).get("name")
    if language and language.lower() != "python":
        raise InputError(
            f"The notebook's language is {language}; only Python kernels can be snapshotted.",
            hint="Run it with papermill itself.",
        )
    name = str(spec.get("name", "python3"))
    try:
        found = KernelSpecManager().get_kernel_spec(name)
    except NoSuchKernel:
        report(Progress("kernel", f"there is no kernel {name} here; taking {sys.executable}"))
        return sys.executable
    program = found.argv[0]
    if not Path(program).name.startswith("python"):
        raise InputError(
            f"The kernel {spec.get('name')} starts {program}, not a Python.",
            hint="Choose a Python kernel in the notebook, or remove its kernelspec.",
        )
    # jupyter_client itself reads a bare `python` as the Python it runs on.
    return program if "/" in program else sys.executable


def interpreter_at(place: str) -> str:
    """Return the Python that a person names to run a notebook, once it is known to be able to.

    Args:
        place: A path of an interpreter, or of the folder of an environment that
            has one in ``bin``, or the name of one on ``PATH``.

    Returns:
        An absolute path. It is not resolved: a virtual environment's interpreter
        is a link, and would be another one behind it.

    Raises:
        InputError: When there is none, it does not start, it is no CPython of
            3.8 or newer, or has no ipykernel.
    """
    path = Path(place)
    if not path.exists() and "/" not in place:
        path = Path(shutil.which(place) or place)
    if path.is_dir():
        path = next((one for one in (path / "bin" / "python", path / "bin" / "python3")
                     if one.exists()), path)  # fmt: skip
    python = str(path.absolute())
    if not path.is_file():
        raise InputError(
            f"There is no Python at {place}.",
            hint="Give the path of an interpreter, or of an environment's folder with bin/python "
            "in it.",
        )
    implementation, version, has_kernel = _asked(python)
    if implementation != "CPython" or _numbers(version) < _OLDEST:
        raise InputError(
            f"{python} is {implementation} {version}; observed kernels need CPython 3.8 or newer.",
            hint="Take a newer one. papermill itself runs the notebook, without a snapshot.",
        )
    if not has_kernel:
        raise InputError(
            f"{python} has no ipykernel, so it can run no notebook.",
            hint=f"Install it there: `{python} -m pip install ipykernel`, or "
            f"`uv pip install --python {python} ipykernel`. py-mlops itself is not needed there.",
        )
    return python


def _asked(python: str) -> tuple[str, str, bool]:
    """Return implementation, version, and whether ipykernel is there, as a Python says itself."""
    last = "it said nothing that we know"
    try:
        said = subprocess.run(
            [python, "-c", _WHO],
            capture_output=True, text=True, errors="replace", timeout=_SECONDS, check=False,
            cwd="/", stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except OSError as error:
        last = error.strerror or str(error)
    except subprocess.TimeoutExpired:
        last = f"it did not answer within {_SECONDS} s"
    else:
        for line in said.stdout.splitlines():
            words = line.split()
            if len(words) == 4 and words[0] == "mlops":  # noqa: PLR2004 - see _WHO
                return words[1], words[2], words[3] == "1"
        last = next(iter(reversed(said.stderr.strip().splitlines())), last)
    raise InputError(
        f"{python} does not start as a Python: {last}.",
        hint="Give the interpreter itself: a pyenv shim, for example, starts only the version that "
        "is selected where it runs.",
    )


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
