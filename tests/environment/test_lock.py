from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.environment import pylock
from py_mlops.environment.lock import Locked, lock
from py_mlops.errors import EnvironmentFailure
from py_mlops.progress import Progress, silent


def stored(cache: Path) -> list[Path]:
    """The locks kept in a cache."""
    return sorted((cache / "locks").glob("*.json"))


def test_every_package_is_locked_by_the_digest_of_its_wheel(locked: Locked) -> None:
    """Each installed package is recorded with its wheel's name and sha256."""
    idna, six = locked.distributions
    assert (six.name, six.version, six.source) == ("six", "1.17.0", "index")
    assert six.wheel == "six-1.17.0-py2.py3-none-any.whl"
    assert six.sha256 == "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274"
    assert [entry.sha256 for entry in pylock.read(locked.pylock)] == [idna.sha256, six.sha256]


def test_a_missing_ipykernel_is_said(locked: Locked) -> None:
    """An environment without ipykernel can be rerun, and the lock says what that adds."""
    (hole,) = locked.holes
    assert "ipykernel" in hole.text
    assert not hole.blocking


def test_the_same_environment_gives_the_same_lock(
    plain: Any, locked: Locked, tmp_path: Path
) -> None:
    """Locking again from nothing gives the same bytes."""
    assert lock(plain.facts, cache=tmp_path / "other", report=silent) == locked


def test_what_no_index_has_is_recorded_and_not_locked(mixed: Any, tmp_path: Path) -> None:
    """Editable, local and unknown packages are told apart; only what an index has is locked."""
    locked = lock(mixed.facts, cache=tmp_path, report=silent)
    assert {one.name: one.source for one in locked.distributions} == {
        "six": "index",
        "zz-local": "local",
        "zz-unheard-of": "unknown",
        "zz-unheard-of-too": "unknown",
        "zz-working-tree": "editable",
    }
    assert [entry.name for entry in pylock.read(locked.pylock)] == ["six"]
    assert locked.compiled == []


@pytest.mark.usefixtures("unreachable")
def test_without_an_index_names_and_versions_remain(plain: Any, tmp_path: Path) -> None:
    """With no index in reach and nothing remembered, nothing is taken for locked."""
    locked = lock(plain.facts, cache=tmp_path, report=silent)
    assert [(one.name, one.version, one.source, one.sha256) for one in locked.distributions] == [
        ("idna", "3.10", "unknown", None),
        ("six", "1.17.0", "unknown", None),
    ]
    assert pylock.read(locked.pylock) == []


def test_a_lock_without_the_index_is_made_again_with_it(
    plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was locked without asking the index is not kept once the index may be asked."""
    cache = tmp_path / "cache"
    with monkeypatch.context() as patch:
        patch.setenv("UV_CACHE_DIR", str(tmp_path / "empty"))
        offline = lock(plain.facts, cache=cache, report=silent, offline=True)
        assert lock(plain.facts, cache=cache, report=silent, offline=True) == offline
    assert all(one.sha256 is None for one in offline.distributions)
    online = lock(plain.facts, cache=cache, report=silent)
    assert all(one.sha256 for one in online.distributions)


def test_a_second_lock_asks_nobody(
    plain: Any, locked: Locked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment that did not change is locked from the cache, without uv."""
    monkeypatch.setattr("uv.find_uv_bin", lambda: str(tmp_path / "absent"))
    said: list[Progress] = []
    assert lock(plain.facts, cache=tmp_path / "cache", report=said.append) == locked
    assert said == []


def test_a_torn_cache_is_no_answer(plain: Any, locked: Locked, tmp_path: Path) -> None:
    """A damaged file in the cache is replaced by a new lock."""
    (path,) = stored(tmp_path / "cache")
    whole = path.read_bytes()
    path.write_bytes(whole[:100])
    assert lock(plain.facts, cache=tmp_path / "cache", report=silent) == locked
    assert msgspec.json.decode(path.read_bytes())["locked"] == msgspec.json.decode(whole)["locked"]


def test_an_unknown_package_is_asked_for_again_later(mixed: Any, tmp_path: Path) -> None:
    """A lock that lacks something is trusted for minutes only: it may be published meanwhile."""
    first = lock(mixed.facts, cache=tmp_path, report=silent)
    said: list[Progress] = []
    assert lock(mixed.facts, cache=tmp_path, report=said.append) == first
    assert said == []
    (path,) = stored(tmp_path)
    kept = msgspec.json.decode(path.read_bytes())
    path.write_bytes(msgspec.json.encode(kept | {"made": kept["made"] - 3600}))
    assert lock(mixed.facts, cache=tmp_path, report=said.append) == first
    assert said


def test_two_at_once_lock_once(plain: Any, tmp_path: Path) -> None:
    """Of two that lock at the same time the second waits and takes the first one's lock."""
    said: list[str] = []
    results: list[Locked] = []

    def one() -> None:
        results.append(
            lock(plain.facts, cache=tmp_path, report=lambda step: said.append(step.text))
        )

    threads = [threading.Thread(target=one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results[0] == results[1] == results[2]
    assert sum(text.startswith("Locking") for text in said) == 1


def test_a_cache_that_cannot_be_written_is_named(plain: Any, tmp_path: Path) -> None:
    """A cache folder that is in fact a file leads to an error that names it."""
    (tmp_path / "cache").write_text("")
    with pytest.raises(EnvironmentFailure, match="cache"):
        lock(plain.facts, cache=tmp_path / "cache", report=silent)
