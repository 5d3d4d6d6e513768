"""What is in Parquet tables, two at a time: rows, columns, types, histograms over the same bins.

As a program, ``python -m py_mlops.data.parquet``, it reads ``[[older, newer], …]``,
paths of files, and writes a line of JSON for each pair. Such files come from
elsewhere and native code reads them: whoever asks gives that a process of its own,
which limits itself.
"""

from __future__ import annotations

import importlib
import json
import resource
import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from py_mlops.data.tables import BINS, COLUMNS, NAME, ROWS

SUFFIXES = (".parquet", ".pq")

_MEMORY = 2 * 1024**3
_SECONDS = 20
_TYPE = 80


class _Side:
    """One file: what its footer says, and the beginning of its columns of numbers."""

    def __init__(self, parquet: Any, path: Path) -> None:
        """Read the footer, then as many rows as are looked at."""
        file = parquet.ParquetFile(path)
        self.rows: int = file.metadata.num_rows
        fields = [file.schema_arrow.field(place) for place in range(len(file.schema_arrow))]
        self.types = {field.name[:NAME]: str(field.type)[:_TYPE] for field in fields[:COLUMNS]}
        # A column's path is its name only where it holds no other columns.
        numbers = [field.name for field in fields[:COLUMNS] if _is_number(field.type)]
        self.numbers: dict[str, NDArray[np.float64]] = {}
        if numbers:
            batches = file.iter_batches(ROWS, columns=numbers, use_threads=False)
            for batch in batches:
                for name, column in zip(batch.schema.names, batch.columns, strict=True):
                    self.numbers[name[:NAME]] = _finite(column)
                break


def compare_files(older: Path, newer: Path) -> dict[str, Any]:
    """Compare two Parquet files.

    Args:
        older: The older one.
        newer: The newer one.

    Returns:
        As `comparison.TableChange`: the rows are all, histograms are of the first 50,000.

    Raises:
        ImportError: When pyarrow is not installed.
        Exception: Whatever pyarrow says of a file that is none, or is damaged.
    """
    parquet = importlib.import_module("pyarrow.parquet")
    a, b = _Side(parquet, older), _Side(parquet, newer)
    names = [*a.types, *(name for name in b.types if name not in a.types)]
    return {
        "rows_a": a.rows,
        "rows_b": b.rows,
        "columns": [_column(name, a, b) for name in names],
        "cut": max(a.rows, b.rows) > ROWS or len(names) > COLUMNS,
    }


def _column(name: str, a: _Side, b: _Side) -> dict[str, Any]:
    then, now = a.types.get(name), b.types.get(name)
    change = "changed"
    if then is None or now is None:
        change = "added" if then is None else "removed"
    none = np.empty(0)
    edges, counts_a, counts_b = _histogram(a.numbers.get(name, none), b.numbers.get(name, none))
    return {
        "name": name,
        "change": None if then == now else change,
        "a": then,
        "b": now,
        "edges": edges,
        "counts_a": counts_a,
        "counts_b": counts_b,
    }


def _histogram(
    a: NDArray[np.float64], b: NDArray[np.float64]
) -> tuple[list[float], list[int], list[int]]:
    every = np.concatenate([a, b])
    if not every.size or not 0 < float(every.max() - every.min()) < np.inf:
        return [], [], []
    edges = np.linspace(every.min(), every.max(), BINS + 1)
    if not (np.diff(edges) > 0).all():
        return [], [], []
    counts = [np.histogram(side, edges)[0].tolist() for side in (a, b)]
    return edges.tolist(), counts[0], counts[1]


def _is_number(kind: Any) -> bool:
    return str(kind).startswith(("int", "uint", "float", "double", "halffloat", "decimal"))


def _finite(column: Any) -> NDArray[np.float64]:
    values = np.asarray(column.drop_null().cast("float64", safe=False), dtype=np.float64)
    found: NDArray[np.float64] = values[np.isfinite(values)]
    return found


def main() -> int:
    """Answer on standard output what is asked on standard input."""
    resource.setrlimit(resource.RLIMIT_DATA, (_MEMORY, _MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (_SECONDS, _SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for older, newer in json.load(sys.stdin):
        said: dict[str, Any] = {"table": None, "absent": False}
        try:
            said["table"] = compare_files(Path(older), Path(newer))
        except ImportError:
            said["absent"] = True
        except Exception:  # noqa: BLE001, S110 - a native reader raises its own; it is no table
            pass
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
