"""The guest compiled for one interpreter, once: a kernel's start must not wait for a compiler."""

from __future__ import annotations

import functools
import hashlib
import os
import subprocess
import tempfile
import zipfile
from pathlib import Path

_SECONDS = 20
# Runs in the foreign interpreter. A pyc that is named by its source's digest and
# not checked against it (PEP 552) is all that importing from a zip ever reads.
_COMPILE = """
import importlib.util, marshal, sys, zipfile
source, target, place = sys.argv[1:]
with zipfile.ZipFile(source) as read, zipfile.ZipFile(target, "w") as write:
    for name in read.namelist():
        text = read.read(name)
        write.writestr(name, text)
        if name != "__main__.py":
            code = compile(text, place + "/" + name, "exec", dont_inherit=True)
            digest = importlib.util.source_hash(text)
            head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + digest
            write.writestr(name + "c", head + marshal.dumps(code))
"""


def compiled(guest: Path, python: str) -> Path:
    """Return the guest's zip with its modules compiled for an interpreter.

    It lies beside the zip, made once for each interpreter, which all virtual
    environments of that interpreter share.

    Args:
        guest: The zip of sources.
        python: The interpreter's path.

    Returns:
        The path of a zip that this interpreter imports the guest from at once;
        the zip of sources where none can be made.
    """
    try:
        real = Path(python).resolve(strict=True)
        seen = real.stat()
        key = f"{real}\0{seen.st_mtime_ns}\0{seen.st_size}".encode()
        name = f"{guest.stem}-{hashlib.sha256(key).hexdigest()[:16]}.zip"
        target = guest.with_name(name)
        if not _is_whole(target):
            _compile(guest, python, target)
    except (OSError, subprocess.SubprocessError):
        return guest
    return target


def _is_whole(path: Path) -> bool:
    try:
        seen = path.stat()
    except OSError:
        return False
    return _is_whole_file(path, (seen.st_ino, seen.st_size, seen.st_mtime_ns))


@functools.lru_cache(maxsize=64)
def _is_whole_file(path: Path, _version: tuple[int, ...]) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (OSError, ValueError, zipfile.BadZipFile):
        return False


def _compile(guest: Path, python: str, target: Path) -> None:
    descriptor, temporary = tempfile.mkstemp(dir=target.parent, suffix=".tmp")
    os.close(descriptor)
    try:
        subprocess.run(
            [python, "-I", "-c", _COMPILE, guest, temporary, target],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=True,
            timeout=_SECONDS,
        )
        Path(temporary).replace(target)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
