"""Each standard's own tools accept what is exported, whatever a record says."""

from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.exports import STANDARDS, Material
from tests.exports.accepted import problems
from tests.exports.materials import CASES, hostile
from tests.exports.words import HOSTILE

NEEDS_A_MODEL = {"cyclonedx", "model-card"}
SLOW = {"ro-crate"}  # a validator that takes seconds for each sees every evil at once

DAMAGES = {
    "in-toto": (b'"subject"', b'"subjects"'),
    "ro-crate": (b'"instrument"', b'"instruments"'),
    "openlineage": (b'"runId"', b'"run"'),
    "cyclonedx": (b'"SHA-256"', b'"sha256"'),
    "model-card": (b"\ntags:\n", b"\ntags: [\n"),
}


def materials(standard: str) -> dict[str, Material]:
    """Return every snapshot that a standard can speak about."""
    cases = [name for name in CASES if name != "bare" or standard not in NEEDS_A_MODEL]
    evils = HOSTILE | {"everything": " ".join(HOSTILE.values())}
    if standard in SLOW:
        cases, evils = ["full", "different", "bare"], {"everything": evils["everything"]}
    made = {name: CASES[name]() for name in cases}
    return made | {f"hostile {name}": hostile(evil) for name, evil in evils.items()}


@pytest.mark.parametrize("standard", STANDARDS)
def test_its_own_tools_accept_it(standard: str, tmp_path: Path) -> None:
    """Every export passes the standard's validator; the same with one word damaged does not."""
    export = STANDARDS[standard].export
    exports = {name: export(material) for name, material in materials(standard).items()}
    right, wrong = DAMAGES[standard]
    assert right in exports["full"]
    exports["damaged"] = exports["full"].replace(right, wrong, 1)
    found = problems(standard, exports, tmp_path)
    assert found.pop("damaged")
    assert {name: told for name, told in found.items() if told} == {}
