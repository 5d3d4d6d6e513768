"""What a rerun needs of its environment where the recorded one had no ipykernel."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from py_mlops.environment import uv
from py_mlops.environment.fitting import rank
from py_mlops.environment.index import read_pylock
from py_mlops.environment.install import unreachable
from py_mlops.environment.pylock import Entry
from py_mlops.errors import EnvironmentFailure

KERNEL = "ipykernel"


class Addition(NamedTuple):
    """A wheel to add.

    Attributes:
        entry: The wheel.
        place: Its URL or path, as the user's index has it.
    """

    entry: Entry
    place: str


def additions(
    pinned: Mapping[str, str], python: Path | str, version: str, *, folder: Path
) -> list[Addition]:
    """Find ipykernel and what it needs beside some packages, whose versions stay.

    Args:
        pinned: The version of every recorded package, by its name.
        python: The interpreter they are for.
        version: Its version.
        folder: Where temporary files may be written.

    Returns:
        Wheels of what is not among the recorded packages.

    Raises:
        EnvironmentFailure: When no ipykernel goes with the recorded versions,
            or the index is out of reach.
    """
    with tempfile.TemporaryDirectory(
        dir=folder, prefix=".kernel-", ignore_cleanup_errors=True
    ) as held:
        work = Path(held)
        (work / "pins.txt").write_text("".join(f"{n}=={v}\n" for n, v in pinned.items()))
        (work / "wanted.txt").write_text(KERNEL + "\n")
        command = ["pip", "compile", "--no-header", "--format", "pylock.toml", "-o", "pylock.toml",
                   "--only-binary", ":all:", "--python", python, "--python-version", version,
                   "--constraints", "pins.txt", "wanted.txt"]  # fmt: skip
        # The index first: what uv has at hand may be years old.
        tries: list[list[str]] = [["--offline"]] if uv.told_offline() else [[], ["--offline"]]
        for network in tries:
            answer = uv.run([*command, *network], folder=work)
            if answer.ok:
                break
        else:
            raise unreachable(KERNEL)
        catalogue = read_pylock((work / "pylock.toml").read_bytes(), work)
    found = []
    for name, files in catalogue.files.items():
        if name in pinned:
            continue
        ranked = [(place, file) for file in files
                  if file.wheel and (place := rank(file.name, version)) is not None]  # fmt: skip
        if not ranked:
            raise EnvironmentFailure(
                f"A rerun's kernel needs {name}, of which the index has no wheel for this machine.",
                hint="Install ipykernel in the notebook's environment and snapshot it again.",
            )
        best = min(ranked)[1]
        entry = Entry(name, catalogue.versions[name], best.name, best.sha256, wheel=True)
        found.append(Addition(entry, catalogue.places[best.name]))
    return sorted(found)
