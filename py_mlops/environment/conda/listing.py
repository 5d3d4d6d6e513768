"""What conda installed beneath a kernel, as the explicit list that conda's tools read."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from py_mlops.errors import Hostile

_LARGEST = 16 << 20
_MOST = 20_000
_TOKEN = re.compile(r"^t/[^/]+/")
_PART = r"[A-Za-z0-9_][A-Za-z0-9_.+-]*"
_PLACE = re.compile(
    rf"(?:{_PART}/)+(?P<subdir>[a-z0-9_-]+)/"
    rf"(?P<name>{_PART})-(?P<version>[^-/\s]+)-[^-/\s]+\.(?:conda|tar\.bz2)",
    re.ASCII,
)
_DIGEST = re.compile(r"[0-9a-f]{64}|[0-9a-f]{32}")


class CondaPackage(NamedTuple):
    """A conda package.

    Attributes:
        place: Its channel, platform and file: ``conda-forge/linux-64/zlib-1.3-h4.conda``.
        digest: Hex sha256 of that file, or its md5 where conda noted no more;
            empty when it noted neither.
    """

    place: str
    digest: str

    @property
    def name(self) -> str:
        """Its name."""
        return self._of("name")

    @property
    def version(self) -> str:
        """Its version."""
        return self._of("version")

    @property
    def subdir(self) -> str:
        """Its platform, as conda says it: ``linux-64``, or ``noarch``."""
        return self._of("subdir")

    @property
    def file(self) -> str:
        """The name of its file."""
        return self.place.rpartition("/")[2]

    def _of(self, group: str) -> str:
        matched = _PLACE.fullmatch(self.place)
        return matched[group] if matched else ""


class InstalledPackage(NamedTuple):
    """A conda package as it was installed.

    Attributes:
        package: The package.
        url: Where it came from, as conda noted it; it may hold a token.
        archive: Where conda keeps its file, if it does; empty when unknown.
    """

    package: CondaPackage
    url: str
    archive: str


def conda_packages(prefixes: Sequence[str]) -> list[InstalledPackage]:
    """Return the packages of the conda environment that a kernel runs in.

    Args:
        prefixes: The kernel's prefixes.

    Returns:
        The packages in the order of their places; none when it is no conda
        environment. A package whose note does not say enough is left out.
    """
    for prefix in prefixes:
        found = {
            one.package.place: one
            for path in Path(prefix, "conda-meta").glob("*.json")
            if (one := _installed(path)) is not None
        }
        if found:
            return [found[place] for place in sorted(found)]
    return []


def listing(packages: Iterable[CondaPackage]) -> bytes:
    """Return packages as lines ``channel/subdir/file#digest``, without any host's name.

    An ``@EXPLICIT`` file for conda or micromamba has the same lines behind the
    address of one's own channels.
    """
    lines = (f"{one.place}#{one.digest}" if one.digest else one.place for one in packages)
    return "".join(f"{line}\n" for line in lines).encode()


def read_listing(data: bytes) -> list[CondaPackage]:
    """Read a list that somebody else made.

    Raises:
        Hostile: When it is no such list, or names a package twice.
    """
    lines = data.decode("ascii", "replace").splitlines()
    found = [CondaPackage(*line.partition("#")[::2]) for line in lines]
    for one in found:
        if not _PLACE.fullmatch(one.place) or not _DIGEST.fullmatch(one.digest or "0" * 32):
            raise refused(f"{one.place[:80]!r} is no package of a channel")
    if len({one.name for one in found}) != len(found) or len(found) > _MOST:
        raise refused("it names a package twice, or too many")
    return found


def refused(why: str) -> Hostile:
    """Say why a record's conda packages are not installed."""
    return Hostile(
        f"The snapshot's conda packages are refused: {why}.",
        hint="Do not use this snapshot; ask its author how it was made. Nothing of it was run.",
    )


def _installed(path: Path) -> InstalledPackage | None:
    """Return one installed package; None when its note does not say enough."""
    try:
        if path.stat().st_size > _LARGEST:
            return None
        said = json.loads(path.read_bytes())
        url = str(said["url"])
        place = _TOKEN.sub("", urlsplit(url).path.lstrip("/"))
        digests = (str(said.get(name) or "") for name in ("sha256", "md5"))
        archive = str(said.get("package_tarball_full_path") or "")
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return None
    if not _PLACE.fullmatch(place):
        return None
    digest = next((one for one in digests if _DIGEST.fullmatch(one)), "")
    return InstalledPackage(CondaPackage(place, digest), url, archive)
