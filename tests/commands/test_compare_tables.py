"""Tables of two snapshots side by side, with the pyarrow of another environment."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from py_mlops.commands.comparison.compare import compare
from py_mlops.commands.comparison.shapes import Comparison
from py_mlops.workspace import Workspace
from tests.handovers import handover, seen, take
from tests.readers_kernel import READERS_PYTHON

MAKE = """
import sys
import pyarrow as pa, pyarrow.parquet as pq
folder = sys.argv[1]
older = {"age": [20.0, 30.0, None, 40.0] * 50, "id": list(range(200)), "gone": ["x"] * 200}
newer = {"age": [50.0] * 300, "id": [float(n) for n in range(300)], "added": [b"y"] * 300}
for name, columns in (("older", older), ("newer", newer)):
    pq.write_table(pa.table(columns), f"{folder}/{name}.parquet")
wide = pa.table({f"c{n}": [0.0] * 60_000 for n in range(3)} | {"nested": [{"a": 1}] * 60_000})
pq.write_table(wide, f"{folder}/wide.parquet")
"""


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with Parquet files that another environment wrote."""
    folder = tmp_path_factory.mktemp("tables")
    subprocess.run([READERS_PYTHON, "-c", MAKE, str(folder)], check=True)
    return folder


@pytest.fixture
def pyarrow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have pyarrow installed, and nothing else of the other environment."""
    [there] = Path(READERS_PYTHON).parent.parent.glob("lib/python*/site-packages/pyarrow")
    (tmp_path / "installed").mkdir()
    (tmp_path / "installed" / "pyarrow").symlink_to(there)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "installed"))


def compared(workspace: Workspace, folder: Path, older: bytes, newer: bytes) -> Comparison:
    """Return the comparison of two snapshots that read the same file with other bytes."""
    taken = []
    for side, data in (("a", older), ("b", newer)):
        (folder / "data").mkdir(parents=True, exist_ok=True)
        (folder / "data" / "t.parquet").write_bytes(data)
        read = seen(folder / "data" / "t.parquet", requested="data/t.parquet")
        taken.append(take(workspace, folder / side, handover(folder, read)))
    return compare(workspace, *taken)


@pytest.mark.usefixtures("pyarrow")
def test_parquet(workspace: Workspace, tables: Path, tmp_path: Path) -> None:
    """Rows, columns, their stored types, and how numbers are spread over the same bins."""
    sides = [(tables / f"{name}.parquet").read_bytes() for name in ("older", "newer")]
    found = compared(workspace, tmp_path / "p", *sides)
    [change] = found.data
    table = change.table
    assert table is not None, found.notes
    assert (table.rows_a, table.rows_b, table.cut) == (200, 300, False)
    columns = {one.name: one for one in table.columns}
    assert {name: one.change for name, one in columns.items()} == {
        "age": None, "id": "changed", "gone": "removed", "added": "added",
    }  # fmt: skip
    assert (columns["id"].a, columns["id"].b) == ("int64", "double")
    age = columns["age"]
    assert (age.edges[0], age.edges[-1]) == (20.0, 50.0)
    assert (sum(age.counts_a), sum(age.counts_b), age.counts_b[-1]) == (150, 300, 300)
    assert columns["gone"].edges == []


@pytest.mark.usefixtures("pyarrow")
def test_large_nested_and_hostile_parquet(
    workspace: Workspace, tables: Path, tmp_path: Path
) -> None:
    """Rows are counted even where only the first are looked at; damaged bytes are no table."""
    wide = (tables / "wide.parquet").read_bytes()
    older = (tables / "older.parquet").read_bytes()
    found = compared(workspace, tmp_path / "p", older, wide)
    assert found.data[0].table is not None
    assert (found.data[0].table.rows_b, found.data[0].table.cut) == (60_000, True)
    broken = wide[: len(wide) // 2] + b"\xff" * 64 + wide[len(wide) // 2 + 64 :]
    for place, data in enumerate((b"PAR1" + b"\xff" * 40 + b"PAR1", wide[:-9], broken)):
        found = compared(workspace, tmp_path / f"bad{place}", older, data)
        if found.data[0].table is None:  # damage inside a page may go unnoticed
            assert "data/t.parquet could not be read as a table." in found.notes


def test_without_pyarrow(workspace: Workspace, tables: Path, tmp_path: Path) -> None:
    """Without pyarrow the files still differ, and it is said what would tell more."""
    sides = [(tables / f"{name}.parquet").read_bytes() for name in ("older", "newer")]
    found = compared(workspace, tmp_path / "p", *sides)
    assert [one.table for one in found.data] == [None]
    assert [note for note in found.notes if "pip install pyarrow" in note]
