"""Which Python a notebook's kernel runs on."""

from __future__ import annotations

import sys
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager, NoSuchKernel
from nbformat import NotebookNode

from py_mlops.errors import InputError
from py_mlops.progress import Progress, Report, silent


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
