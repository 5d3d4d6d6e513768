from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from py_mlops.environment.tree import CannotBuild, build, folder_of, look, version_control
from tests.environment.worlds import project


def git(folder: Path, *words: str) -> str:
    """Run git."""
    done = subprocess.run(["git", *words], cwd=folder, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A project under version control, with a change and a new file that is not ignored."""
    folder = project(tmp_path / "my tree", "zz_mine", "0.1")
    (folder / ".gitignore").write_text("secret.txt\n")
    (folder / "secret.txt").write_text("not for anybody\n")
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "first")
    (folder / "NAME").write_text("zz_mine 0.1\n\n")
    (folder / "new.py").write_text("N = 7\n")
    return folder


def test_commit_and_changes_tell_the_tree(tree: Path, tmp_path: Path) -> None:
    """A clone at the commit, with the diff applied, is the tree; its repository is as before."""
    before = sorted(path.stat().st_mtime_ns for path in (tree / ".git").rglob("*"))
    state = version_control(look(tree))
    assert state is not None
    assert sorted(path.stat().st_mtime_ns for path in (tree / ".git").rglob("*")) == before
    assert git(tree, "status", "--short") == " M NAME\n?? new.py\n"
    commit, diff = state
    git(tmp_path, "clone", "-q", str(tree), "clone")
    git(tmp_path / "clone", "checkout", "-q", commit)
    (tmp_path / "diff").write_bytes(diff)
    git(tmp_path / "clone", "apply", str(tmp_path / "diff"))
    for name in ("NAME", "new.py", "backend.py"):
        assert (tmp_path / "clone" / name).read_text() == (tree / name).read_text()
    assert b"not for anybody" not in diff


def test_a_tree_without_version_control_has_no_state(tmp_path: Path) -> None:
    """Nothing is said of a folder that git does not know, and it can be built all the same."""
    folder = project(tmp_path / "plain", "zz_plain", "0.1")
    assert version_control(look(folder)) is None
    built = build(
        look(folder), tmp_path / "out", python=sys.executable, name="zz-plain", version="0.1"
    )
    assert built.name == "zz_plain-0.1-py3-none-any.whl"


def test_a_tree_is_built_as_it_is_and_nothing_is_left_in_it(tree: Path, tmp_path: Path) -> None:
    """The wheel is of the changed files, which stand alone in the tree afterwards."""
    backend = (tree / "backend.py").read_text()
    (tree / "backend.py").write_text(
        backend.replace('"here = True"', 'open("new.py").read()') + "\nopen('litter', 'w')\n"
    )
    before = sorted(tree.rglob("*"))
    built = build(
        look(tree), tmp_path / "out", python=sys.executable, name="zz-mine", version="0.1"
    )
    with zipfile.ZipFile(built) as archive:
        assert archive.read("zz_mine.py") == b"N = 7\n"
    assert sorted(tree.rglob("*")) == before


def test_every_change_is_noticed(tree: Path) -> None:
    """A file that is written, added or removed gives another stamp; an ignored one does not."""
    stamps = [look(tree).stamp]
    for change in (
        lambda: (tree / "NAME").write_text("zz_mine 0.2"),
        (tree / "more.py").touch,
        (tree / "more.py").unlink,
    ):
        change()
        stamps.append(look(tree).stamp)
    assert len(set(stamps[:3])) == 3
    assert stamps[3] == stamps[1]
    (tree / "secret.txt").write_text("changed")
    assert look(tree).stamp == stamps[3]


def test_a_build_that_fails_says_why(tree: Path, tmp_path: Path) -> None:
    """The last words of the build are the reason; so it is when the tree is gone."""
    (tree / "backend.py").write_text("raise SystemExit('no compiler here')")
    with pytest.raises(CannotBuild):
        build(look(tree), tmp_path / "out", python=sys.executable, name="zz-mine", version="0.1")
    with pytest.raises(CannotBuild, match="is not there"):
        look(tmp_path / "gone")


def test_a_tree_that_is_no_project_but_a_disk_is_not_copied(
    tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beyond a limit a tree is left where it is, with its size as the reason."""
    monkeypatch.setattr("py_mlops.environment.tree._MOST", 2)
    with pytest.raises(CannotBuild, match="files"):
        look(tree)


def test_a_folder_is_read_out_of_its_url() -> None:
    """Blanks and other letters come back from a URL."""
    assert folder_of(Path("/srv/my tree/ä").as_uri()) == Path("/srv/my tree/ä")
