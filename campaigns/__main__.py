"""Runs the campaigns in turn: all, or those named after it."""

from __future__ import annotations

import sys
import time

from campaigns import (
    alterations,
    beside_mlflow,
    bucket_faults,
    bucket_kills,
    collector,
    commands,
    corruption,
    environments,
    kill_points,
    power_cuts,
    server_kills,
)

ALL = {
    campaign.__name__.rpartition(".")[2]: campaign
    for campaign in (
        kill_points,
        commands,
        power_cuts,
        collector,
        server_kills,
        corruption,
        alterations,
        beside_mlflow,
        bucket_faults,
        bucket_kills,
        environments,
    )
}


def main(names: list[str]) -> int:
    """Run the named campaigns; without names, all.

    Returns:
        How many of them failed; 2 for a name that is none of them.
    """
    unknown = [name for name in names if name not in ALL]
    if unknown:
        print(f"There is no {', '.join(unknown)}; there are {', '.join(ALL)}.", file=sys.stderr)
        return 2
    start = time.monotonic()
    failed = []
    for name in names or ALL:
        print(f"\n== {name}: {(ALL[name].__doc__ or '').partition(chr(10))[0]}", flush=True)
        if ALL[name].main():
            failed.append(name)
    print(f"\n{len(names or ALL)} campaigns, {len(failed)} failed {' '.join(failed)}"
          f"in {time.monotonic() - start:.0f} s")  # fmt: skip
    return len(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
