"""What conda packages hold, judged before anything of them is unpacked."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from py_mlops.environment.conda.listing import refused
from py_mlops.errors import Hostile

_ENTRY_POINT = re.compile(r"[\w.-]+")


class Entry(NamedTuple):
    """A member of a package's file.

    Attributes:
        name: Its path in the prefix.
        size: Its bytes.
        target: Where it leads if it is a link; None if it is none.
    """

    name: str
    size: int
    target: str | None


@dataclass
class Contents:
    """What several packages hold together.

    Attributes:
        site: Where packages for any Python go: ``lib/python3.11/site-packages``.
        size: Their bytes, unpacked.
        scripts: Packages with a script that conda would have run after linking.
    """

    site: str
    size: int = 0
    scripts: list[str] = field(default_factory=list)
    _files: dict[str, str] = field(default_factory=dict)
    _links: dict[str, str] = field(default_factory=dict)

    def add(
        self,
        package: str,
        entries: Sequence[Entry],
        index: bytes | None,
        link: bytes | None,
        paths: bytes | None,
    ) -> None:
        """Add a package's members and what its ``info/*.json`` say.

        Raises:
            Hostile: When a name leads out of the prefix, or a link does.
        """
        self._check_names(package, _object(index), _object(link))
        anywhere = _object(index).get("noarch") == "python"
        listed = _object(paths).get("paths")
        said = [one.get("_path") for one in listed if isinstance(one, dict)] if listed else []
        for name in (*(one.name for one in entries), *said):
            if not isinstance(name, str) or not _stays(name):
                raise self.refused(package, f"{str(name)[:80]!r} leads out of its folder")
        for one in entries:
            self.size += one.size
            name = self._moved(one.name) if anywhere else one.name
            (self._files if one.target is None else self._links)[name] = package
            if one.target is not None and not _leads_inside(one.name, one.target):
                raise self.refused(package, f"the link {one.name[:80]!r} leads out of its folder")
            if one.name.startswith("bin/.") and one.name.endswith("-post-link.sh"):
                self.scripts.append(package)

    def check(self) -> None:
        """Check the packages together.

        Raises:
            Hostile: When a file of one lies beneath a link of another.
        """
        for name, package in (self._files | self._links).items():
            parts = name.split("/")
            for end in range(1, len(parts)):
                if "/".join(parts[:end]) in self._links:
                    raise self.refused(package, f"{name[:80]!r} lies beneath a link")

    def refused(self, package: str, why: str) -> Hostile:
        """Say why a package is not unpacked."""
        return refused(f"in {package[:120]}, {why}")

    def _moved(self, name: str) -> str:
        first, slash, rest = name.partition("/")
        place = {"site-packages": self.site, "python-scripts": "bin"}.get(first, first)
        return f"{place}{slash}{rest}"

    def _check_names(self, package: str, index: dict[str, Any], link: dict[str, Any]) -> None:
        whole = "-".join(str(index.get(name)) for name in ("name", "version", "build"))
        if whole != package.removesuffix(".conda").removesuffix(".tar.bz2"):
            raise self.refused(package, "another package says that it is it")
        place = index.get("python_site_packages_path")
        if place not in (None, self.site):
            raise self.refused(package, "Python's packages would go elsewhere")
        noarch = link.get("noarch")
        points = noarch.get("entry_points") if isinstance(noarch, dict) else None
        for point in points if isinstance(points, list) else ():
            if not _ENTRY_POINT.fullmatch(str(point).partition("=")[0].strip()):
                raise self.refused(package, "a program of it would lie elsewhere")


def _object(data: bytes | None) -> dict[str, Any]:
    try:
        said = json.loads(data or b"{}")
    except (ValueError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}


def _stays(name: str) -> bool:
    return bool(name) and "\0" not in name and "\\" not in name and _plain(name.split("/"))


def _plain(parts: Iterable[str]) -> bool:
    return all(part not in ("", ".", "..") for part in parts)


def _leads_inside(name: str, target: str) -> bool:
    """Say whether a link stays in the prefix: up first, as far as it lies deep, and then down."""
    parts = target.split("/")
    up = 0
    while up < len(parts) and parts[up] == "..":
        up += 1
    return up <= name.count("/") and "\0" not in target and all(
        part not in ("", "..") for part in parts[up:]
    )  # fmt: skip
