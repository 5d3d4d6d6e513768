"""Models built in a notebook: reproducible, accountable, collaborative and continuous."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__version__ = "0.1.0"


def load_ipython_extension(shell: InteractiveShell) -> None:
    """Watch this kernel from now on and register ``%mlops``; for ``%load_ext py_mlops``."""
    from py_mlops.kernel.magics import register

    register(shell)
