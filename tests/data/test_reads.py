from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from py_mlops.data.reads import Take, gather, summary
from py_mlops.data.rules import IgnoreRules
from py_mlops.errors import FileChanged, FileGone
from py_mlops.records import Blob, digest_of
from py_mlops.records.handover import Handover
from py_mlops.store import Store

Hand = Callable[..., Handover]
RULES = IgnoreRules(["/opt/python"])


def no_copy(name: str) -> Blob:
    """Take nothing: no file here was kept before it was overwritten."""
    raise AssertionError(name)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Make a data file."""
    file = tmp_path / "data.csv"
    file.write_text("1,2\n")
    return file


def test_input(data: Path, hand: Hand, take: Take) -> None:
    """A file that was read is an input with its content, its cell and who saw it."""
    [file] = gather(hand({"path": data}), RULES, take, no_copy).files
    assert (file.path, file.requested, file.role, file.cell) == (str(data), "data.csv", "input", 3)
    assert file.blobs == [Blob(digest=digest_of(b"1,2\n"), size=4)]


def test_output(data: Path, hand: Hand, take: Take) -> None:
    """A file that the program made is an output; one it removed again is left out."""
    made = {"first": "write", "written": True, "existed": False, "size": -1}
    seen = hand({"path": data} | made, {"path": data.parent / "scratch"} | made)
    gathered = gather(seen, RULES, take, no_copy)
    assert [(file.path, file.role) for file in gathered.files] == [(str(data), "output")]
    assert gathered.holes == []


@pytest.mark.parametrize("change", ["content", "time", "inode"])
def test_changed(data: Path, hand: Hand, take: Take, change: str) -> None:
    """An input that changed since it was read is refused, with its name and cell."""
    seen = hand({"path": data})
    if change == "content":
        data.write_text("other\n")
    elif change == "time":
        os.utime(data, ns=(1, 1))
    else:
        time = data.stat().st_mtime_ns
        data.rename(data.with_name("kept"))
        data.write_text("1,2\n")
        os.utime(data, ns=(time, time))
    with pytest.raises(FileChanged, match=r"data\.csv .*cell \[3\]") as caught:
        gather(seen, RULES, take, no_copy)
    assert "--incomplete" in caught.value.hint


def test_gone(data: Path, hand: Hand, take: Take) -> None:
    """An input that is no longer there is refused, with its name and cell."""
    seen = hand({"path": data})
    data.unlink()
    with pytest.raises(FileGone, match=r"data\.csv .*cell \[3\]"):
        gather(seen, RULES, take, no_copy)


@pytest.mark.parametrize("gone", [True, False])
def test_incomplete(data: Path, hand: Hand, take: Take, gone: bool) -> None:
    """When asked to, a snapshot goes on without such an input and says so as a blocking hole."""
    seen = hand({"path": data})
    data.unlink()
    if not gone:
        data.write_text("longer than before")
    gathered = gather(seen, RULES, take, no_copy, incomplete=True)
    assert [file.blobs for file in gathered.files] == [[]]
    assert [(hole.cell, hole.blocking) for hole in gathered.holes] == [(3, True)]


def test_changes_while_it_is_taken(data: Path, hand: Hand, take: Take) -> None:
    """A file that changes between our look and our copy is not taken for what was read."""

    def slow(path: Path) -> Blob:
        data.write_text("other\n")
        return take(path)

    with pytest.raises(FileChanged):
        gather(hand({"path": data}), RULES, slow, no_copy)


def test_rewritten_by_the_program(data: Path, hand: Hand, take: Take) -> None:
    """An input that the notebook itself overwrote is a blocking hole, not an error."""
    seen = hand({"path": data, "written": True})
    data.write_text("overwritten\n")
    gathered = gather(seen, RULES, take, no_copy)
    [file], [hole] = gathered.files, gathered.holes
    assert (file.rewritten, file.blobs, hole.blocking) == (True, [], True)
    assert "cell [3]" in hole.text
    assert "unmodified" in hole.hint


@pytest.mark.parametrize("gone", [True, False])
def test_kept_before_it_was_overwritten(
    data: Path, hand: Hand, take: Take, store: Store, gone: bool
) -> None:
    """Of an input that the notebook overwrote or removed the kernel's copy is taken."""
    copy = data.with_name("original-1")
    copy.write_bytes(data.read_bytes())
    seen = hand({"path": data, "written": True, "kept": copy.name})
    data.unlink() if gone else data.write_text("overwritten\n")
    gathered = gather(seen, RULES, take, lambda name: store.blobs.put_file(data.with_name(name)))
    [file] = gathered.files
    assert (file.role, file.rewritten, gathered.holes) == ("input", True, [])
    assert file.blobs == [Blob(digest=digest_of(b"1,2\n"), size=4)]
    assert summary(seen, RULES).rows == [("data.csv", "input", "4", "[3]", "audit-hook")]
    assert summary(seen, RULES).holes == []


def test_why_nothing_was_kept(data: Path, hand: Hand, take: Take) -> None:
    """The hole of an overwritten input says why there is no copy of it."""
    seen = hand({"path": data, "written": True, "problem": "the disk is full"})
    data.write_text("overwritten\n")
    [hole] = gather(seen, RULES, take, no_copy).holes
    assert hole.text.endswith("what it held at first is not kept (the disk is full).")


def test_opened_for_update_but_left_alone(data: Path, hand: Hand, take: Take) -> None:
    """An input opened for writing that is still what was read is taken."""
    gathered = gather(hand({"path": data, "written": True}), RULES, take, no_copy)
    assert [(file.rewritten, len(file.blobs)) for file in gathered.files] == [(True, 1)]
    assert gathered.holes == []


def test_older_version(data: Path, hand: Hand, take: Take) -> None:
    """Of a file that was read in two versions the newest is taken and the other told."""
    seen = hand({"path": data, "size": 1, "cell": 1}, {"path": data, "cell": 5})
    gathered = gather(seen, RULES, take, no_copy)
    assert [(file.cell, len(file.blobs)) for file in gathered.files] == [(5, 1)]
    assert [(hole.cell, hole.blocking) for hole in gathered.holes] == [(1, False)]


def test_code(tmp_path: Path, hand: Hand, take: Take) -> None:
    """Modules and scripts are code; a module that the program itself wrote is its output."""
    for name in ("module.py", "script.py", "made.py"):
        (tmp_path / name).write_text("")
    seen = hand(
        {"path": tmp_path / "script.py"},
        {"path": tmp_path / "made.py", "first": "write", "written": True, "size": -1},
        modules=[
            {"module": "module", "path": str(tmp_path / "module.py")},
            {"module": "made", "path": str(tmp_path / "made.py")},
            {"module": "hostile", "path": "../module.py"},
        ],
    )
    gathered = gather(seen, RULES, take, no_copy)
    assert [(Path(file.path).name, file.module) for file in gathered.code] == [
        ("module.py", "module"),
        ("script.py", ""),
    ]
    assert [Path(file.path).name for file in gathered.files] == ["made.py"]


def test_edited_module(tmp_path: Path, hand: Hand, take: Take) -> None:
    """A module edited after it was imported is refused: the kernel runs the older one."""
    module = tmp_path / "module.py"
    module.write_text("a = 1")
    seen = hand({"path": module})
    module.write_text("a = 2  # better")
    with pytest.raises(FileChanged, match="older code"):
        gather(seen, RULES, take, no_copy)


def test_link_out_of_the_folder(data: Path, hand: Hand, take: Take) -> None:
    """A link to data elsewhere is an input under its own name with the content behind it."""
    link = data.parent / "notebook" / "link.csv"
    link.parent.mkdir()
    link.symlink_to(data)
    [file] = gather(hand({"path": link}), RULES, take, no_copy).files
    assert (file.path, file.blobs[0].size) == (str(link), 4)


def test_left_out_silently(data: Path, hand: Hand, take: Take) -> None:
    """The notebook itself and what rules leave out are no data."""
    seen = hand({"path": data}, {"path": "/proc/cpuinfo"}, notebook=str(data))
    gathered = gather(seen, RULES, take, no_copy)
    assert (gathered.files, gathered.holes) == ([], [])


@pytest.mark.parametrize("kind", ["pipe", "folder", "device"])
def test_no_regular_file(tmp_path: Path, hand: Hand, take: Take, kind: str) -> None:
    """A pipe, folder or device is a blocking hole, and is never waited for."""
    path = tmp_path / kind
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("/dev/zero")
    gathered = gather(hand({"path": path}), RULES, take, no_copy)
    assert [hole.blocking for hole in gathered.holes] == [True]
    assert [file.blobs for file in gathered.files] == [[]]


@pytest.mark.parametrize("path", ["b'/data/caf\\xe9'", "relative", "/data/../secret", "//data"])
def test_name_that_no_record_can_hold(hand: Hand, take: Take, path: str) -> None:
    """A name that is not UTF-8, or no plain absolute path, is a hole and no file."""
    gathered = gather(hand({"path": path}), RULES, take, no_copy)
    assert gathered.files == []
    assert [hole.blocking for hole in gathered.holes] == [True]
    assert path in gathered.holes[0].text


def test_summary(data: Path, hand: Hand) -> None:
    """The summary tells files, code and holes without refusing and without reading."""
    seen = hand(
        {"path": data},
        {"path": data.parent / "gone.csv"},
        {"path": "/proc/cpuinfo"},
        modules=[{"module": "m", "path": "/m.py"}],
    )
    found = summary(seen, RULES)
    assert found.rows == [
        ("data.csv", "input", "4", "[3]", "audit-hook"),
        ("gone.csv", "input", "—", "[3]", "audit-hook"),
        ("cpuinfo", "ignored", "—", "[3]", "/proc/ (the operating system's own files)"),
        ("/m.py", "code", "", "", "m"),
    ]
    assert ["gone.csv" in hole.text for hole in found.holes] == [True]


def test_a_repository_that_was_asked(data: Path, hand: Hand, take: Take) -> None:
    """What git read of its own is left out, and a hole names the cell and the repository once."""
    git = data.parent / ".git"
    git.mkdir()
    for name in ("HEAD", "index"):
        (git / name).write_text("x")
    seen = hand({"path": git / "HEAD"}, {"path": git / "index"}, {"path": data})
    gathered = gather(seen, RULES, take, no_copy)
    assert [file.path for file in gathered.files] == [str(data)]
    [hole] = gathered.holes
    assert (hole.kind, hole.cell, hole.blocking) == ("shell", 3, False)
    assert str(data.parent) in hole.text
    assert summary(seen, RULES).holes == [hole]
