"""Conda's package files: kept of what is installed, and had again, each by its digest."""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from py_mlops.environment import uv
from py_mlops.environment.conda.listing import CondaPackage, InstalledPackage, listing
from py_mlops.environment.install import STAGE
from py_mlops.environment.shelf import CopyTo, conda_shelf
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, Report
from py_mlops.records import Blob, Conda, CondaArchive

_SHA256 = 64


@dataclass
class Archives:
    """What a snapshot records of conda.

    Attributes:
        installed: What conda installed beneath the kernel.
        known: By place, the files that the store has.
        files: By place, the files that go into it.
    """

    installed: list[InstalledPackage]
    known: dict[str, Blob] = field(default_factory=dict)
    files: dict[str, Path] = field(default_factory=dict)

    def keep(self, folder: Path, have: Callable[[str], Blob | None], report: Report) -> list[str]:
        """Find the file of each package: in the store, where conda has it, or where it came from.

        Args:
            folder: Where files that are fetched may lie until they are stored.
            have: Asks the store for a blob.
            report: Told what is going on.

        Returns:
            The packages of which there is none, as ``name version``.
        """
        missing = []
        for number, one in enumerate(self.installed):
            package = one.package
            report(Progress(STAGE, f"Keeping {package.file}", number, len(self.installed)))
            if len(package.digest) == _SHA256 and (blob := have(f"sha256:{package.digest}")):
                self.known[package.place] = blob
            elif path := _at_hand(one, folder):
                self.files[package.place] = path
            else:
                missing.append(f"{package.name} {package.version}")
        return missing

    def store(
        self, put_file: Callable[[Path], Blob], put_bytes: Callable[[bytes], Blob]
    ) -> Conda | None:
        """Put the list and the files into the store; None where there is no conda."""
        if not self.installed:
            return None
        kept = self.known | {place: put_file(path) for place, path in self.files.items()}
        packages = [one.package for one in self.installed]
        return Conda(
            packages=put_bytes(listing(packages)),
            kept=[CondaArchive(place=place, blob=kept[place]) for place in sorted(kept)],
        )


def available() -> bool:
    """Say whether rattler, an extra, is installed."""
    return importlib.util.find_spec("rattler") is not None


def rattling() -> Any:
    """Return `py_mlops.environment.conda.rattling`, where rattler is installed."""
    return importlib.import_module("py_mlops.environment.conda.rattling")


def _at_hand(one: InstalledPackage, folder: Path) -> Path | None:
    """Return the file of an installed package, when it has the bytes of its digest."""
    if not one.package.digest:
        return None
    if one.archive and is_package(Path(one.archive), one.package.digest):
        return Path(one.archive)
    path = folder / one.package.digest / one.package.file
    if not available() or (uv.told_offline() and not one.url.startswith("file:")):
        return None
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(EnvironmentFailure):
        rattling().fetch(one.url, path)
    return path if is_package(path, one.package.digest) else None


def is_package(path: Path, digest: str) -> bool:
    """Say whether a file has the bytes of a digest: a sha256, or conda's md5."""
    kind = "sha256" if len(digest) == _SHA256 else "md5"
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, kind).hexdigest() == digest
    except OSError:
        return False


def take(
    packages: Sequence[CondaPackage],
    kept: Sequence[CondaArchive],
    *,
    cache: Path,
    copy_to: CopyTo,
    report: Report,
) -> list[Path]:
    """Return the files of recorded packages: of the store, or from the user's own channels.

    Args:
        packages: The recorded packages, whose list was checked.
        kept: The files that the store has.
        cache: The cache folder.
        copy_to: Gives the store's bytes.
        report: Told what is going on.

    Raises:
        EnvironmentFailure: When one cannot be had with the recorded bytes.
        Corrupt, Missing: When the store's bytes are damaged or gone.
        OSError: When the cache cannot be written.
    """
    blobs = {one.place: one.blob for one in kept}
    return list(_taken(packages, blobs, cache, copy_to, report))


def _taken(
    packages: Sequence[CondaPackage],
    blobs: dict[str, Blob],
    cache: Path,
    copy_to: CopyTo,
    report: Report,
) -> Iterator[Path]:
    for number, one in enumerate(packages):
        blob = blobs.get(one.place)
        digest = blob.digest.partition(":")[2] if blob else one.digest
        folder = conda_shelf(cache) / "files" / (digest or "none")
        path = folder / one.file
        if not digest or not is_package(path, digest):
            report(Progress(STAGE, f"Taking {one.file}", number, len(packages)))
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(
                dir=folder, prefix=".new-", ignore_cleanup_errors=True
            ) as held:
                new = Path(held, one.file)
                if blob:
                    copy_to(blob.digest, new)
                else:
                    _from_channel(one, new)
                if one.digest and not is_package(new, one.digest):
                    raise EnvironmentFailure(
                        f"{one.file} is not the file that the snapshot recorded.",
                        hint="Find out why; a channel must never change a released file. "
                        "Nothing was installed.",
                    )
                new.replace(path)
        os.utime(folder)  # when it was last used
        yield path


def _from_channel(one: CondaPackage, path: Path) -> None:
    if not one.digest:
        raise EnvironmentFailure(
            f"{one.file} was recorded without a digest, and its file was not kept.",
            hint="Snapshot it again with --vault where it is installed.",
        )
    if uv.told_offline():
        raise EnvironmentFailure(
            f"{one.file} is not in the store, and uv was told to be offline.",
            hint="Allow the network, or snapshot with --vault, which keeps conda's files.",
        )
    rattling().fetch(one.place, path)
