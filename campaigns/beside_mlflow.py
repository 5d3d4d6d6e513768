"""The same four alterations of what was recorded, in MLflow and here: who notices?

A metric of a finished run, its author, a value in the database, the bytes of the model. MLflow runs
in an environment of its own, made from requirements/mlflow.txt. Run it with
``python -m campaigns.beside_mlflow``.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from campaigns.alterations import Alteration, everything, rig_at
from py_mlops.records import Snapshot, decode
from py_mlops.records.closure import named_blobs

ROOT = Path(__file__).parent.parent
CASES = {
    "metric": "the metric of a finished run",
    "author": "its author",
    "database": "a value in the database",
    "model": "the bytes of the model",
}


def mlflow(folder: Path) -> dict[str, Any]:
    """Return what MLflow hands out after each alteration."""
    python = folder / "venv" / "bin" / "python"
    uv = str(Path(sys.executable).with_name("uv"))
    made = ["venv", "--quiet", "--python", sys.executable, str(folder / "venv")]
    filled = ["pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r"]
    subprocess.run([uv, *made], check=True)
    subprocess.run([uv, *filled, str(ROOT / "requirements" / "mlflow.txt")], check=True)
    (folder / "runs").mkdir()
    script = str(ROOT / "campaigns" / "mlflow_side.py")
    done = subprocess.run(
        [str(python), script, str(folder / "runs")], cwd=folder, check=True, text=True,
        capture_output=True,
    )  # fmt: skip
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def ours(folder: Path) -> dict[str, list[str]]:
    """Return what `mlops verify` says after each alteration."""
    with rig_at(folder) as rig:
        all_of_them = everything(rig)
        model = next(
            blob.digest
            for data in map(rig.original, rig.objects)
            if data.startswith(b'{"answers"')
            for blob in named_blobs(_snapshot(data).model)
        )
        wanted = {
            "metric": ("field forged", "snapshot metrics."),
            "author": ("field forged", "snapshot author.name"),
            "database": ("cell", "log 1: time="),
            "model": ("object", f"a bit {model[7:19]}"),
        }
        told = {}
        for case, (kind, what) in wanted.items():
            found = next(a for a in all_of_them if a.kind == kind and a.what.startswith(what))
            told[case] = _told(rig, found)
        return told


def _snapshot(data: bytes) -> Snapshot:
    record = decode(data)
    assert isinstance(record, Snapshot)
    return record


def _told(rig: Any, alteration: Alteration) -> list[str]:
    try:
        alteration.do(rig, random.Random(0))
        found: list[str] = rig.told()
    finally:
        rig.put_back()
    return found


def main() -> int:
    """Print both, side by side; it fails when one is not noticed here."""
    with tempfile.TemporaryDirectory() as name:
        theirs = mlflow(Path(name))
    with tempfile.TemporaryDirectory() as name:
        mine = ours(Path(name))
    print(f"  {'altered':32} {'MLflow ' + theirs['version']:44} mlops verify")
    for case, what in CASES.items():
        one = theirs["told"][case]
        said = one["noticed"] or f"hands out {one['after']!r} for {one['before']!r}"
        print(f"  {what:32} {said:44.44} {(mine[case] or ['says nothing'])[0][:90]}")
    return int(not all(mine.values()))


if __name__ == "__main__":
    sys.exit(main())
