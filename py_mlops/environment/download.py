"""Fetches the very wheels of a lock from wherever uv found them, checked by digest."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from packaging.utils import parse_wheel_filename

from py_mlops.environment import uv


class Wanted(NamedTuple):
    """A wheel to fetch.

    Attributes:
        name: Its file name.
        sha256: Hex digest of its bytes.
        place: Where the user's index has it, as uv said: a URL or a path.
    """

    name: str
    sha256: str
    place: str


def download(wheels: Sequence[Wanted], folder: Path, *, python: str) -> dict[str, Path]:
    """Fetch wheels by pip, which keeps them as they are; uv unpacks what it fetches.

    Nothing of a wheel is run or unpacked. A wheel whose bytes are not those of
    its digest does not arrive.

    Args:
        wheels: What to fetch.
        folder: Where they go.
        python: The version of the interpreter they are for, ``3.9.18``.

    Returns:
        Where each wheel that could be had lies, by its file name.
    """
    near = [one for one in wheels if not one.place.startswith(("http:", "https:"))]
    far = [one for one in wheels if one not in near]
    for one in near:
        _copy(one, folder)
    if far and not uv.told_offline() and not _fetch(far, folder, python):
        # pip gives up at the first that fails; the others are still wanted.
        for one in far if len(far) > 1 else ():
            _fetch([one], folder, python)
    return {one.name: folder / one.name for one in wheels if _is(folder / one.name, one.sha256)}


def _copy(one: Wanted, folder: Path) -> None:
    path = Path(unquote(urlsplit(one.place).path) if "://" in one.place else one.place)
    try:
        shutil.copyfile(path, folder / one.name)
    except OSError:
        return  # it is as if the index did not have it


def _fetch(wheels: Sequence[Wanted], folder: Path, python: str) -> bool:
    """Let pip fetch some wheels; whether or not they fit the Python that runs us."""
    tags = [tag for one in wheels for tag in parse_wheel_filename(one.name)[3]]
    chosen = [f"--abi={abi}" for abi in sorted({tag.abi for tag in tags})]
    chosen += [f"--platform={platform}" for platform in sorted({tag.platform for tag in tags})]
    with tempfile.TemporaryDirectory(prefix="mlops-download-", ignore_cleanup_errors=True) as held:
        listing = Path(held, "requirements.txt")
        listing.write_text(
            "".join(
                f"{parse_wheel_filename(one.name)[0]} @ {one.place} --hash=sha256:{one.sha256}\n"
                for one in wheels
            )
        )
        try:
            done = subprocess.run(
                [sys.executable, "-I", "-m", "pip", "download", "--quiet", "--no-deps",
                 "--no-input",
                 "--disable-pip-version-check", "--require-hashes", "--only-binary=:all:",
                 f"--python-version={'.'.join(python.split('.')[:2])}", *chosen,
                 f"--dest={folder}", f"--requirement={listing}"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                cwd=held,
                check=False,
            )  # fmt: skip
        except OSError:
            return False
    return done.returncode == 0


def _is(path: Path, sha256: str) -> bool:
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == sha256
    except OSError:
        return False
