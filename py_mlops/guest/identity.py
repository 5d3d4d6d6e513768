"""Which notebook this kernel belongs to, as far as a kernel can know."""

from __future__ import annotations

import os
from typing import Any


def identity(shell: Any) -> tuple[str, str | None]:
    """Say how the program is run and from which notebook.

    A headless run names its notebook itself (``MLOPS_NOTEBOOK``), because the
    kernel's own command line only shows its launcher. Visual Studio Code puts
    the path into the namespace, Jupyter Server into the environment.

    Args:
        shell: The IPython shell.

    Returns:
        A pair: ``"notebook"``, ``"headless"`` or ``"console"``, and the
        notebook's absolute path or ``None``.
    """
    explicit = os.environ.get("MLOPS_NOTEBOOK")
    if explicit:
        return "headless", os.path.abspath(explicit)
    for named in (shell.user_ns.get("__vsc_ipynb_file__"), os.environ.get("JPY_SESSION_NAME")):
        if isinstance(named, str) and named.endswith(".ipynb"):
            return "notebook", os.path.abspath(named)
    return ("notebook" if hasattr(shell, "kernel") else "console"), None
