"""How a validator answers: as JSON, the problems of each file it was given.

The programs of this folder run where each standard's own tools are installed
and py-mlops is not: ``python in_toto.py FILE…``.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable
from pathlib import Path


def answer(problems: Callable[[bytes], Iterable[str]]) -> None:
    """Print a list of problems for each file; an empty one where the tools accept it."""
    found = []
    for file in sys.argv[1:]:
        try:
            found.append(list(problems(Path(file).read_bytes())))
        except Exception as error:  # noqa: BLE001 - whatever the tools raise is what they say
            found.append([f"{type(error).__name__}: {error}"])
    print(json.dumps(found))  # noqa: T201 - to whoever started us
