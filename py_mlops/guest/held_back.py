"""What the program wrote and its open files still hold back is brought to the disk."""

from __future__ import annotations

import contextlib
import gc
import io
import os
import stat

_KINDS = (io.TextIOWrapper, io.BufferedWriter, io.BufferedRandom)


def flush_files() -> None:
    """Flush every file that is open for writing.

    Otherwise a snapshot would hold half of a file that its rerun, which ends,
    writes whole. Only files: a pipe may be full, and whoever writes to it wait.
    """
    for one in gc.get_objects():
        # By its type: an object of the program's own may do anything when it is asked.
        if issubclass(type(one), _KINDS):
            with contextlib.suppress(Exception):
                if one.writable() and stat.S_ISREG(os.fstat(one.fileno()).st_mode):
                    one.flush()
