"""The guest as one file, which any Python from 3.8 on can run or import."""

from __future__ import annotations

import functools
import hashlib
import io
import os
import tempfile
import zipfile
from pathlib import Path

from py_mlops import guest
from py_mlops.errors import StoreUnavailable

PACKAGE = "mlops_guest"
"""The name the guest goes by where our package is not installed."""

# Every Python reads this, a 2.7 too: where the guest cannot be, there is an ordinary kernel.
_MAIN = f"""\
import platform
import runpy
import sys

try:
    if platform.python_implementation() != "CPython" or sys.version_info < (3, 8):
        raise ImportError("the guest needs CPython 3.8")
    from {PACKAGE}.__main__ import main
except Exception:
    sys.path[0] = ""
    del sys.argv[1:3]
    runpy.run_module("ipykernel_launcher", run_name="__main__", alter_sys=True)
else:
    main()
"""
_EPOCH = (1980, 1, 1, 0, 0, 0)


def guest_zip(cache: Path) -> Path:
    """Return the guest's zip, written once for each version of its sources.

    Args:
        cache: A folder of ours; it is made when it is not there.

    Returns:
        The path of a zip that Python runs and imports ``mlops_guest`` from;
        equal sources give the same bytes and the same path.

    Raises:
        StoreUnavailable: When it cannot be written.
    """
    data = _zipped()
    path = cache / "guest" / f"guest-{hashlib.sha256(data).hexdigest()[:16]}.zip"
    try:
        if not path.is_file() or path.read_bytes() != data:
            _write(path, data)
    except OSError as error:
        raise StoreUnavailable(
            f"The kernel's observer cannot be written to {path}: {error.strerror}.",
            hint="Free some space, or set MLOPS_CACHE to a folder you may write to.",
        ) from error
    return path


@functools.lru_cache(maxsize=1)
def _zipped() -> bytes:
    """Return the zip's bytes, of the sources as this process found them when it first asked."""
    folder = Path(guest.__file__).parent
    sources = {
        f"{PACKAGE}/{path.relative_to(folder).as_posix()}": path.read_bytes()
        for path in folder.rglob("*.py")
    }
    sources["__main__.py"] = _MAIN.encode()
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for name, source in sorted(sources.items()):
            archive.writestr(zipfile.ZipInfo(name, _EPOCH), source)
    return buffer.getvalue()


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, suffix=".tmp")
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(data)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
