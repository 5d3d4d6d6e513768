"""An environment is built on a disk that is too small for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from py_mlops.environment.lock import Locked
from py_mlops.records import Environment, canonical
from py_mlops.store import Blobs
from tests.environment.worlds import wheel, with_wheel

BUILD = """
import json, sys
from pathlib import Path
from py_mlops.environment.build import build
from py_mlops.environment.kept import kept
from py_mlops.errors import MlopsError
from py_mlops.progress import silent
from py_mlops.records import Environment, decode_as
from py_mlops.store import open_store

folder = Path(sys.argv[1])
environment = decode_as((folder / "environment.json").read_bytes(), Environment)
lock = (folder / "lock").read_bytes()
blobs = open_store(folder / "blobs").blobs
said = []
for cache in (Path(sys.argv[2]), Path(sys.argv[2]), folder / "roomy"):
    try:
        build(environment, lock, cache=cache, copy_to=blobs.copy_to, report=silent)
        said.append(["built", "", len(kept(cache))])
    except MlopsError as error:
        said.append([type(error).__name__, str(error), len(kept(cache))])
print(json.dumps(said))
"""


@pytest.mark.parametrize("mebibytes", [1, 14, 40])
def test_a_full_disk_is_said_and_nothing_half_built_stays(
    recorded: Environment, locked: Locked, blobs: Blobs, tmp_path: Path, mebibytes: int
) -> None:
    """Whichever write fails, the error says what to do, and with more space it is built."""
    parts = {f"part{number}.bin": os.urandom(1 << 20) for number in range(24)}
    large = wheel(tmp_path, "ipykernel", "7.0", parts)
    (tmp_path / "environment.json").write_bytes(canonical(with_wheel(recorded, blobs, large)))
    (tmp_path / "lock").write_bytes(locked.pylock)
    small = tmp_path / "small"
    small.mkdir()
    script = f'mount -t tmpfs -o size={mebibytes}m none "$3" && exec "$0" -c "$1" "$2" "$3"'
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, sys.executable, BUILD, tmp_path, small],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if "unshare" in done.stderr or "mount" in done.stderr:
        sys.stdout.write(f"not covered: no small disk can be made here: {done.stderr}")
        return
    assert done.returncode == 0, done.stderr
    *failed, built = json.loads(done.stdout)
    for kind, text, left in failed:
        assert kind in {"EnvironmentFailure", "StoreUnavailable"}, text
        assert "space" in text.lower(), text
        assert left == 0
    assert built == ["built", "", 1]
