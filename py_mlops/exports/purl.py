"""Package URLs (purl), the name of a package that other tools look up."""

from __future__ import annotations

import re
from urllib.parse import quote

from py_mlops.records import Distribution

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?")  # PEP 508
_REMOTE = re.compile(r"(?:[a-z]+\+)?(?:https?|ssh|git)://", re.IGNORECASE)


def package_url(item: Distribution) -> str:
    """Return the package URL of an installed distribution.

    Only what came from a package index is a ``pkg:pypi``; a working tree or an
    unknown build of the same name is somebody else's, ``pkg:generic``.

    Args:
        item: The distribution as recorded.

    Returns:
        The package URL, with the wheel's checksum and file name as qualifiers
        where the record knows them. Addresses on the author's machine are left out.
        Empty when the name is none that a distribution can have.
    """
    if not _NAME.fullmatch(item.name):
        return ""
    kind = "pypi" if item.source == "index" else "generic"
    name = re.sub(r"[-_.]+", "-", item.name).lower()
    qualifiers = {}
    if item.sha256:
        qualifiers["checksum"] = f"sha256:{item.sha256}"
    if item.source in {"url", "vcs"} and _REMOTE.match(item.origin):
        versioned = re.match(r"(?:git|hg|svn|bzr)\+", item.origin)
        qualifiers["vcs_url" if versioned else "download_url"] = item.origin
    if item.wheel:
        qualifiers["file_name"] = item.wheel
    said = "&".join(f"{key}={quote(value, safe=':/')}" for key, value in sorted(qualifiers.items()))
    version = f"@{quote(item.version, safe='')}" if item.version else ""
    return f"pkg:{kind}/{name}{version}" + (f"?{said}" if said else "")
