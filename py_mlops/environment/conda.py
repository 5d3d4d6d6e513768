"""What conda installed beneath a kernel, as the explicit list that conda's tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

_LARGEST = 16 << 20
_TOKEN = re.compile(r"^t/[^/]+/")
_PLACE = re.compile(r"[\w.+-]+(?:/[\w.+-]+)*/[\w-]+/[\w.+-]+\.(?:conda|tar\.bz2)", re.ASCII)
_MD5 = re.compile(r"[0-9a-f]{32}")


def conda_packages(prefixes: Sequence[str]) -> bytes | None:
    """Return the packages of the conda environment that a kernel runs in.

    Args:
        prefixes: The kernel's prefixes.

    Returns:
        Lines ``channel/subdir/file#md5``, sorted, without any host's name; None
        when it is no conda environment. An ``@EXPLICIT`` file for conda or
        micromamba has the same lines behind the address of one's own channels.
    """
    lines = set()
    for prefix in prefixes:
        for path in sorted(Path(prefix, "conda-meta").glob("*.json")):
            line = _line(path)
            if line:
                lines.add(line)
        if lines:
            break
    return "".join(f"{line}\n" for line in sorted(lines)).encode() if lines else None


def _line(path: Path) -> str | None:
    """Return the line of one installed package; None when its file does not say enough."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        said = json.loads(path.read_bytes())
        place = _TOKEN.sub("", urlsplit(str(said["url"])).path.lstrip("/"))
        digest = str(said.get("md5") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not _PLACE.fullmatch(place):
        return None
    return f"{place}#{digest}" if _MD5.fullmatch(digest) else place
