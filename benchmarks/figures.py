"""What the benchmarks share: a figure with its target, the table of figures, the machine."""

from __future__ import annotations

import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parent.parent
CACHE = ROOT / ".cache" / "bench"


@dataclass(frozen=True)
class Figure:
    """Something measured several times.

    Attributes:
        name: What.
        seconds: Each measurement.
        target: Seconds that the median may be at most; ``None`` when it only stands beside another.
    """

    name: str
    seconds: Sequence[float]
    target: float | None = None


def table(title: str, figures: Sequence[Figure]) -> None:
    """Print figures: median, minimum and maximum, and the median as a part of its target."""
    print(f"\n{title}")
    print(f"  {'seconds':52}{'median':>9}{'min':>9}{'max':>9}{'target':>9}  of it")
    for figure in figures:
        median = statistics.median(figure.seconds)
        row = f"{median:9.3f}{min(figure.seconds):9.3f}{max(figure.seconds):9.3f}"
        name = f"{figure.name} ({len(figure.seconds)}×)"
        if figure.target is not None:
            part = median / figure.target
            row += f"{figure.target:9.3f}  {part:.0%}{'' if part <= 1 else '  MISSED'}"
        print(f"  {name:52}{row}", flush=True)


def machine() -> str:
    """Describe this machine, and how busy it is, in one line."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    except OSError:
        names = []
    return (
        f"{names[0] if names else platform.machine()}, {os.cpu_count()} processors, "
        f"load {os.getloadavg()[0]:.1f}, Python {platform.python_version()}, {platform.system()} "
        f"{platform.release()}"
    )


def surroundings(place: Path, **more: str) -> dict[str, str]:
    """Return the environment of a measured process: its own store and cache, nothing unusual.

    Args:
        place: The benchmark's folder.
        more: Further variables.
    """
    unusual = ("MLOPS_", "PYTHON", "JPY_", "VIRTUAL_ENV")
    own = {
        "MLOPS_STORE": str(place / "store"),
        "MLOPS_CACHE": str(place / "cache"),
        "MLOPS_AUTHOR": "Anna <anna@example.org>",
    }
    kept = {name: value for name, value in os.environ.items() if not name.startswith(unusual)}
    return {**kept, **own, **more}
