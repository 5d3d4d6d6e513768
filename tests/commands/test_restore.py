from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import nbformat
import pytest

from py_mlops.commands.snapshots.restore import EXECUTED, restore
from py_mlops.errors import Corrupt, Hostile, InputError
from py_mlops.records import Snapshot, record_id
from py_mlops.workspace import Workspace
from tests.handovers import CELLS, MODEL, a_project, handover, seen, take


def altered(workspace: Workspace, taken: str, **parts: Any) -> str:
    """Enter a record that somebody wrote by hand; return its id."""
    record = workspace.store.get_as(taken, Snapshot)
    hostile = msgspec.structs.replace(record, **parts)
    workspace.store.add(hostile)
    return record_id(hostile)


def files(folder: Path) -> list[str]:
    """List everything below a folder."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def test_a_project_comes_back_as_it_was(
    workspace: Workspace, taken: str, project: Path, tmp_path: Path
) -> None:
    """Notebook, module and data lie where they lay, byte for byte; what the run wrote does not."""
    target = tmp_path / "back"
    written = restore(workspace, taken, target)
    assert written == files(target)
    assert written == [EXECUTED, "data/flowers.csv", "flowers.ipynb", "scaling.py"]
    for name in written[1:]:
        assert (target / name).read_bytes() == (project / name).read_bytes()
    assert "report.json" in restore(workspace, taken, tmp_path / "outputs", outputs=True)


def test_the_executed_notebook_is_a_notebook_of_the_cells_as_they_ran(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """It opens in Jupyter, and holds what was executed in that order."""
    restore(workspace, taken, tmp_path / "back")
    notebook = nbformat.read(tmp_path / "back" / EXECUTED, as_version=4)
    nbformat.validate(notebook)
    assert [cell.source for cell in notebook.cells if cell.cell_type == "code"][-2:] == CELLS


def test_a_file_from_elsewhere_keeps_its_whole_path_below_elsewhere(
    workspace: Workspace, tmp_path: Path
) -> None:
    """Two files of one name from two folders do not meet, and neither leaves the folder."""
    (tmp_path / "p").mkdir()
    shared = tmp_path / "shared" / "data.csv"
    shared.parent.mkdir()
    shared.write_text("1,2\n")
    (tmp_path / "p" / "data.csv").write_text("3,4\n")
    said = handover(tmp_path / "p", seen(shared), seen(tmp_path / "p" / "data.csv"))
    written = restore(workspace, take(workspace, tmp_path / "h", said), tmp_path / "back")
    assert written == [EXECUTED, "data.csv", f"elsewhere{shared}"]
    assert (tmp_path / "back" / f"elsewhere{shared}").read_text() == "1,2\n"


@pytest.mark.parametrize(
    "path",
    ["../../x", "/a/../../x", "x", "", "/", "//x", "/a//b", "/a/./b", "/a/", "/a\0b", "/..", "~/x"],
)
def test_a_path_that_would_leave_the_folder_is_refused(
    workspace: Workspace, taken: str, tmp_path: Path, path: str
) -> None:
    """A record written by hand cannot choose where its bytes go, whichever part names the path."""
    record = workspace.store.get_as(taken, Snapshot)
    data = [msgspec.structs.replace(record.data[0], path=path)]
    module = msgspec.structs.replace(record.program.modules[0], path=path)
    modules = msgspec.structs.replace(record.program, modules=[module])
    for parts in ({"data": data}, {"program": modules}):
        with pytest.raises(Hostile):
            restore(workspace, altered(workspace, taken, **parts), tmp_path / "deep" / "back")
        assert files(tmp_path / "deep") == []
    if path:
        notebook = msgspec.structs.replace(record.program, notebook=path)
        with pytest.raises(Hostile):
            restore(workspace, altered(workspace, taken, program=notebook), tmp_path / "back")


def test_two_files_that_want_one_place_are_refused(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """A record cannot make one file pass for another, nor a file for a folder."""
    record = workspace.store.get_as(taken, Snapshot)
    data, home = record.data[0], record.program.directory
    for first, second in (
        ("/x", f"{home}/elsewhere/x"),
        (f"{home}/x", f"{home}/x/y"),
        (f"{home}/scaling.py/y", f"{home}/z"),
    ):
        pair = [
            msgspec.structs.replace(data, path=first),
            msgspec.structs.replace(record.data[1], role="input", path=second),
        ]
        with pytest.raises(Hostile, match="want to be"):
            restore(workspace, altered(workspace, taken, data=pair), tmp_path / "back")
        assert files(tmp_path / "back") == []


def test_a_link_in_the_target_is_not_followed(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """Neither a folder nor a file that somebody linked leads the bytes elsewhere."""
    outside = tmp_path / "outside"
    outside.mkdir()
    target = tmp_path / "back"
    target.mkdir()
    (target / "data").symlink_to(outside)
    with pytest.raises(Hostile, match="link"):
        restore(workspace, taken, target)
    (target / "data").unlink()
    (target / EXECUTED).symlink_to(outside / "made")
    with pytest.raises(InputError, match="there already"):
        restore(workspace, taken, target)
    assert list(outside.iterdir()) == []


def test_what_is_there_already_is_never_overwritten(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """Other content is refused and stays; the very content is no obstacle."""
    target = tmp_path / "back"
    assert restore(workspace, taken, target) == restore(workspace, taken, target)
    (target / "scaling.py").write_text("mine")
    with pytest.raises(InputError, match=r"scaling\.py"):
        restore(workspace, taken, target)
    assert (target / "scaling.py").read_text() == "mine"


def test_a_file_named_like_the_executed_notebook_keeps_its_name(
    workspace: Workspace, tmp_path: Path
) -> None:
    """The snapshot's own file comes first; the executed cells take the next name."""
    said = a_project(tmp_path / "p")
    own = tmp_path / "p" / EXECUTED
    own.write_text("mine")
    said["files"].append(seen(own))
    taken = take(workspace, tmp_path / "h", said, model=MODEL)
    written = restore(workspace, taken, tmp_path / "back")
    assert "as-executed-2.ipynb" in written
    assert (tmp_path / "back" / EXECUTED).read_text() == "mine"


def test_damaged_bytes_are_not_restored(workspace: Workspace, taken: str, tmp_path: Path) -> None:
    """A file appears only when it is whole and what the record says."""
    digest = workspace.store.get_as(taken, Snapshot).data[0].blobs[0].digest
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    path.write_bytes(b"X" + path.read_bytes()[1:])
    with pytest.raises(Corrupt):
        restore(workspace, taken, tmp_path / "back")
    assert not (tmp_path / "back" / "data" / "flowers.csv").exists()


def test_nothing_half_written_is_left_beside_what_was_restored(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """After an error, and after the restore that follows one that was killed."""
    target = tmp_path / "back"
    digest = workspace.store.get_as(taken, Snapshot).program.modules[0].blob.digest
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(b"damaged")
    with pytest.raises(Corrupt):
        restore(workspace, taken, target)
    assert [name for name in files(target) if "mlops" in name] == []
    path.write_bytes(whole)
    left = target / ".mlops-drafts-0123456789abcdef"
    left.mkdir()
    (left / "draft").write_text("half of one")
    restore(workspace, taken, target)
    assert not left.exists()
    assert [item for item in target.rglob("*") if item.name.startswith(".")] == []


def test_a_folder_that_cannot_be_made_is_told(
    workspace: Workspace, taken: str, tmp_path: Path
) -> None:
    """A file in the way of the folder ends in a sentence."""
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        restore(workspace, taken, tmp_path / "file" / "back")
