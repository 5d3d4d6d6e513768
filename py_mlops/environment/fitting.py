"""Which wheels fit a Python of this machine that is not the one we run on."""

from __future__ import annotations

from functools import cache

from packaging.tags import Tag, compatible_tags, cpython_tags, platform_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename
from packaging.version import InvalidVersion

_OLD_ABI = (3, 8)  # before it an ABI's name ended in m


@cache
def tags(version: str) -> dict[Tag, int]:
    """Return the tags that a CPython takes, each with its rank; 0 is the best.

    Args:
        version: The interpreter's version, ``3.9.18``.
    """
    major, minor = (int(part) for part in version.split(".")[:2])
    abi = f"cp{major}{minor}" + ("m" if (major, minor) < _OLD_ABI else "")
    platforms = list(platform_tags())
    found = [
        *cpython_tags((major, minor), [abi], platforms),
        *compatible_tags((major, minor), f"cp{major}{minor}", platforms),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(found)))}


def rank(wheel: str, version: str) -> int | None:
    """Return how well a wheel fits a CPython on this machine, 0 the best; None when not at all.

    Args:
        wheel: Its file name.
        version: The interpreter's version.
    """
    try:
        _, _, _, own = parse_wheel_filename(wheel)
    except (InvalidWheelFilename, InvalidVersion):
        return None
    fitting = tags(version)
    return min((fitting[tag] for tag in own if tag in fitting), default=None)
