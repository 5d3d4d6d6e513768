from __future__ import annotations

import hashlib
import os
import pwd
import sys
from pathlib import Path

import pytest

from py_mlops.environment.download import Wanted, download
from py_mlops.environment.fitting import rank
from py_mlops.environment.index import ask
from tests.environment.worlds import World, wheel


def local(folder: Path, name: str, sha256: str = "") -> Wanted:
    """A wheel that lies in a folder."""
    path = wheel(folder, name, "1.0")
    return Wanted(path.name, sha256 or hashlib.sha256(path.read_bytes()).hexdigest(), path.as_uri())


def test_a_wheel_arrives_as_it_is_for_whichever_python(tmp_path: Path) -> None:
    """The index's own files are fetched, also those for a Python that does not run us."""
    python = next((path for path in pythons() if path.exists()), Path(sys.executable))
    version = python.parent.parent.name if python != Path(sys.executable) else "3.11.7"
    pinned = {"markupsafe": "2.0.1", "six": "1.17.0"}
    found = ask(pinned, str(python), folder=tmp_path, offline=False)
    chosen = [
        max((file for file in files if file.wheel and rank(file.name, version) is not None),
            key=lambda file: -(rank(file.name, version) or 0))
        for files in found.files.values()
    ]  # fmt: skip
    wanted = [Wanted(file.name, file.sha256, found.places[file.name]) for file in chosen]
    assert len(wanted) == 2
    (tmp_path / "out").mkdir()
    arrived = download(wanted, tmp_path / "out", python=version)
    assert set(arrived) == {one.name for one in wanted}
    for one in wanted:
        assert hashlib.sha256(arrived[one.name].read_bytes()).hexdigest() == one.sha256


def pythons() -> list[Path]:
    """Return where an older Python may be, which need not be there."""
    home = Path(pwd.getpwuid(os.getuid()).pw_dir)
    return [home / ".pyenv" / "versions" / one / "bin" / "python" for one in ("3.8.18", "3.9.18")]


def test_a_wheel_of_other_bytes_does_not_arrive(tmp_path: Path) -> None:
    """Of several, those whose digest is right arrive, and no other."""
    (tmp_path / "out").mkdir()
    wanted = [local(tmp_path, "zz_right"), local(tmp_path, "zz_wrong", "0" * 64)]
    wanted.append(Wanted("zz_gone-1.0-py3-none-any.whl", "1" * 64, "/nowhere/zz_gone"))
    assert list(download(wanted, tmp_path / "out", python="3.11.7")) == [wanted[0].name]


def test_one_that_cannot_be_had_does_not_cost_the_others(
    plain: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that the index no longer gives is left out, and a user offline asks nobody."""
    found = ask({"six": "1.17.0"}, plain.facts.executable, folder=tmp_path, offline=False)
    (six,) = [file for file in found.files["six"] if file.wheel]
    place = found.places[six.name]
    wanted = [
        Wanted(six.name, six.sha256, place),
        Wanted("zz_gone-1.0-py3-none-any.whl", "1" * 64, place.replace("six-1.17.0", "zz_gone")),
    ]
    (tmp_path / "out").mkdir()
    assert list(download(wanted, tmp_path / "out", python="3.11.7")) == [six.name]
    (tmp_path / "none").mkdir()
    monkeypatch.setenv("UV_OFFLINE", "1")
    assert download(wanted, tmp_path / "none", python="3.11.7") == {}
