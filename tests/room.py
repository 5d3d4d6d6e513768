"""How much room the tests need for their folders, which is asked once and not by each of them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

WHOLE = 6 << 30
"""Bytes that a run of all tests needs below the temporary folder, with some to spare."""


def lacking(config: pytest.Config, folder: Path) -> str:
    """Say that a run of all tests would fill the disk; nothing where it would not.

    Args:
        config: Whether single files were named; these need little.
        folder: The temporary folder.
    """
    free = shutil.disk_usage(folder).free
    if config.args_source is not pytest.Config.ArgsSource.TESTPATHS or free >= WHOLE:
        return ""
    return (
        f"All tests need {WHOLE >> 30} GiB below {folder}, and {free / (1 << 30):.1f} are free: "
        "make room there, or set TMPDIR to a folder on another disk."
    )
