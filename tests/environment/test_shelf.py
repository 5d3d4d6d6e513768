from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.environment.shelf import forget, take, uv_cache
from py_mlops.errors import Hostile
from py_mlops.records import KeptWheel
from py_mlops.store import Blobs
from tests.environment.worlds import wheel


def stored(blobs: Blobs, path: Path) -> KeptWheel:
    """Put a wheel into the store."""
    return KeptWheel(name=path.name, how="repacked", blob=blobs.put_file(path))


def test_a_wheel_is_taken_once_and_from_then_on_looked_at(blobs: Blobs, tmp_path: Path) -> None:
    """It always has the same path and time; altered bytes in the cache are replaced."""
    kept, cache = stored(blobs, wheel(tmp_path, "mine", "1.0")), tmp_path / "cache"
    path = take(cache, kept, blobs.copy_to)
    before, whole = path.stat().st_mtime_ns, path.read_bytes()
    assert take(cache, kept, blobs.copy_to) == path
    assert path.stat().st_mtime_ns == before
    path.write_bytes(b"altered")
    assert take(cache, kept, blobs.copy_to).read_bytes() == whole


def test_a_hostile_wheel_does_not_stay(blobs: Blobs, tmp_path: Path) -> None:
    """What is refused is refused again, and lies nowhere in the cache."""
    evil = stored(blobs, wheel(tmp_path, "mine", "1.0", {"../x": ""}))
    for _ in range(2):
        with pytest.raises(Hostile):
            take(tmp_path / "cache", evil, blobs.copy_to)
    assert not [path for path in (tmp_path / "cache").rglob("*") if path.is_file()]


def test_what_is_not_used_is_forgotten(blobs: Blobs, tmp_path: Path) -> None:
    """Wheels go by their last use, and what was unpacked goes with them."""
    cache = tmp_path / "cache"
    path = take(cache, stored(blobs, wheel(tmp_path, "mine", "1.0")), blobs.copy_to)
    uv_cache(cache).mkdir(parents=True)
    forget(cache, 3600)
    assert path.exists()
    assert not uv_cache(cache).exists()
    forget(cache, 0)
    assert not path.exists()
