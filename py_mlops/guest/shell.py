"""Follows what a notebook does past Python: shell commands and libraries of native code."""

from __future__ import annotations

import contextlib
import functools
import sys
from typing import Any, Callable

from .observe import Observer

BLIND = (
    *("pyarrow.parquet", "pyarrow.dataset", "pyarrow.csv", "pyarrow.json", "pyarrow.feather"),
    *("pyarrow.orc", "pyarrow.fs", "polars", "duckdb", "deltalake", "lance", "vaex", "datatable"),
    *("h5py", "tables", "netCDF4", "cv2", "rasterio", "osgeo", "pyogrio", "fiona", "SimpleITK"),
    *("av", "decord", "soundfile", "torchaudio", "safetensors", "lightgbm", "xgboost"),
    *("catboost", "tensorflow", "onnxruntime", "tokenizers", "sentencepiece", "faiss"),
    *("pyreadstat", "pyreadr", "psycopg", "psycopg2", "MySQLdb", "pymssql"),
)
"""Modules that read files, or databases, without Python's audit hook seeing it.

pandas imports pyarrow by itself, so pyarrow counts only with a reader of its.
"""

_SCRIPTS = ("bash", "sh", "zsh", "script", "perl", "ruby", "python", "python2", "python3", "pypy")
_STARTERS = ("system", "getoutput", "get_output_error_code")


def blind() -> list[str]:
    """Return the imported libraries that read without being seen, by their top name."""
    return sorted({name.partition(".")[0] for name in BLIND if name in sys.modules})


def watch(shell: Any, observer: Observer) -> ShellWatch:
    """Follow the shell commands of an IPython shell.

    Args:
        shell: The IPython shell; what its own functions do stays as it is.
        observer: Told about each command and the files it names.

    Returns:
        What follows; it lives as long as the shell.
    """
    return ShellWatch(shell, observer)


class ShellWatch:
    """Follows ``!command``, ``x = !command``, ``%pip`` and ``%%bash`` cells."""

    def __init__(self, shell: Any, observer: Observer) -> None:
        """Attach to a shell; see `watch`."""
        self._observer = observer
        self._script = contextlib.ExitStack()
        # The methods of the shell look up the caller's variables by counting
        # frames, so not they are wrapped but the functions they end in.
        for kind in type(shell).__mro__:
            module = sys.modules.get(kind.__module__)
            for name in _STARTERS:
                original = getattr(module, name, None)
                if getattr(original, "__module__", "").startswith("IPython.utils."):
                    setattr(module, name, self._followed(original))
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def _followed(self, original: Any) -> Callable[..., Any]:
        @functools.wraps(original, assigned=("__name__", "__qualname__", "__doc__"))
        def run(command: Any, *args: Any, **options: Any) -> Any:
            with self._observer.following(command):
                return original(command, *args, **options)

        return run

    def _before(self, info: Any) -> None:
        with contextlib.suppress(Exception):
            first, _, script = info.raw_cell.lstrip().partition("\n")
            if first.startswith("%%") and first[2:].split(None, 1)[:1] in [[s] for s in _SCRIPTS]:
                self._script.enter_context(self._observer.following(script, all_threads=True))

    def _after(self, _result: Any) -> None:
        with contextlib.suppress(Exception):
            self._script.close()
            self._observer.settle(reads_can_wait=True)
