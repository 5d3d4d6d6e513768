"""Runs all campaigns in turn."""

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
    server_kills,
)

CAMPAIGNS = (
    kill_points,
    commands,
    collector,
    server_kills,
    corruption,
    alterations,
    beside_mlflow,
    bucket_faults,
    bucket_kills,
    environments,
)


def main() -> int:
    """Run every campaign, and return how many of them failed."""
    start = time.monotonic()
    failed = []
    for campaign in CAMPAIGNS:
        name = campaign.__name__.rpartition(".")[2]
        print(f"\n== {name}: {(campaign.__doc__ or '').partition(chr(10))[0]}", flush=True)
        if campaign.main():
            failed.append(name)
    print(f"\n{len(CAMPAIGNS)} campaigns, {len(failed)} failed {' '.join(failed)}"
          f"in {time.monotonic() - start:.0f} s")  # fmt: skip
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
