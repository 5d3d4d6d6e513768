"""Runs the benchmarks, all or those named: ``python -m benchmarks [NAME…]``."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

from benchmarks import (
    folder,
    kernel_start,
    lineage,
    observe,
    panel,
    predictions,
    push,
    rebuild,
    reproduce,
    server,
    session,
    store,
    verify,
    writers,
)
from benchmarks.figures import machine

PAIRS = 9

ALL: dict[str, Callable[[], None]] = {
    "session": session.main,
    "reproduce": reproduce.main,
    "rebuild": rebuild.main,
    "observe": lambda: observe.main(PAIRS),
    "kernel_start": lambda: kernel_start.main(PAIRS),
    "store": lambda: store.main([]),
    "folder": lambda: folder.main([]),
    "predictions": lambda: predictions.main([]),
    "push": lambda: push.main([]),
    "verify": lambda: verify.main([]),
    "writers": writers.main,
    "lineage": lineage.main,
    "server": server.main,
    "panel": panel.main,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks; without names, all.

    Returns:
        The exit code: 2 for a name that is none of them.
    """
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(ALL)}.", file=sys.stderr)
        return 2
    print(machine(), flush=True)
    for name in names or ALL:
        start = time.monotonic()
        print(f"\n── {name}", flush=True)
        ALL[name]()
        print(f"  ({name} took {time.monotonic() - start:.0f} s)", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
