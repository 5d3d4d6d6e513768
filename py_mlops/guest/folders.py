"""Which folders a relative path may mean: the working one, or one that is open."""

from __future__ import annotations

import contextlib
import os
import stat

_GONE = " (deleted)"


def working() -> str:
    """Return the working directory; the path it had, when somebody removed it."""
    try:
        return os.getcwd()
    except OSError:
        return _past("/proc/self/cwd")


def opened(number: int) -> str:
    """Return the path of an open folder; the path it had, when somebody removed it."""
    return _past(f"/proc/self/fd/{number}")


def all_open() -> list[str]:
    """Return the working directory, and behind it each other folder that is open."""
    found = [working()]
    for name in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that is listed here
            if stat.S_ISDIR(os.fstat(int(name)).st_mode):
                found.append(opened(int(name)))
    return list(dict.fromkeys(found))


def _past(link: str) -> str:
    path = os.readlink(link)
    return path[: -len(_GONE)] if path.endswith(_GONE) and not os.path.lexists(path) else path
