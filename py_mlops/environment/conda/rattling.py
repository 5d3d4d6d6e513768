"""Conda's own work, done by rattler: fetch a package's file, look into it, unpack it into a prefix.

rattler is an extra. No script of a package is run, and neither is its Python.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import rattler
from rattler.package_streaming import PackageArchive, download_to_path

from py_mlops.environment.conda.contents import Contents, Entry
from py_mlops.environment.install import STAGE
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, Report

_T = TypeVar("_T")
_ALIAS = "CONDA_CHANNEL_ALIAS"
"""conda's own variable: the address before the name of a channel."""

_INFO = ("info/index.json", "info/link.json", "info/paths.json")


def platform() -> str:
    """Return this machine's platform, as conda says it: ``linux-64``."""
    return str(rattler.Subdir.current())


def fetch(place: str, path: Path) -> None:
    """Fetch a package's file.

    Args:
        place: Its URL, or ``channel/subdir/file`` of the user's own channels.
        path: Where it goes.

    Raises:
        EnvironmentFailure: When it cannot be had.
    """
    try:
        if "://" not in place:
            channel, subdir, file = place.rsplit("/", 2)
            alias = os.environ.get(_ALIAS)
            config = rattler.ChannelConfig(alias) if alias else rattler.ChannelConfig()
            place = f"{rattler.Channel(channel, config).base_url}{subdir}/{file}"
        _run(download_to_path(rattler.Client(), place, path))
    except Exception as error:  # rattler has a tree of errors for each of its rooms
        raise EnvironmentFailure(
            f"{path.name} could not be fetched from its channel: {_words(error)}",
            hint="Check the network and where your channels lie (CONDA_CHANNEL_ALIAS), "
            "or snapshot with --vault, which keeps conda's files.",
        ) from error


def look(archives: Sequence[Path], site: str) -> Contents:
    """Look into the files of packages, before anything of them is unpacked.

    Args:
        archives: Their files.
        site: Where packages for any Python go, below the prefix.

    Raises:
        Hostile: When one of them leads out of the prefix that it is unpacked
            into, or is no package.
    """
    return _run(_look(archives, site))


def unpack(archives: Sequence[Path], prefix: Path, *, cache: Path, report: Report) -> None:
    """Unpack packages into a prefix, links and all, as conda does; no script is run.

    Args:
        archives: Their files, which were looked into.
        prefix: A folder in which there is nothing.
        cache: A folder for what is unpacked, which prefixes share by hard links.
        report: Told that it begins.

    Raises:
        EnvironmentFailure: When one cannot be unpacked.
    """

    async def work() -> None:
        records = [await rattler.RepoDataRecord.from_package_archive(one) for one in archives]
        await rattler.install(
            records, prefix, cache_dir=cache, execute_link_scripts=False,
            show_progress=False,
        )  # fmt: skip

    report(Progress(STAGE, f"Unpacking {len(archives)} conda packages", 0, len(archives)))
    try:
        _run(work())
    except Exception as error:
        raise EnvironmentFailure(
            f"conda's packages could not be unpacked: {_words(error)}",
            hint="Free some space where the cache is if its disk is full; then try again.",
        ) from error


async def _look(archives: Sequence[Path], site: str) -> Contents:
    contents = Contents(site)
    for path in archives:
        try:
            archive = await PackageArchive.from_path(path)
            info = {
                one.name: await one.read()
                async for one in archive.stream("info") if one.name in _INFO
            }  # fmt: skip
            entries = [
                Entry(one.name, one.size, one.link_target if one.is_link else None)
                async for one in archive.stream("pkg")
            ]
        except Exception as error:
            raise contents.refused(path.name, "it is no conda package") from error
        contents.add(path.name, entries, *(info.get(name) for name in _INFO))
    contents.check()
    return contents


def _run(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it in a thread of its own: whoever calls may have an event loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300]
