from __future__ import annotations

import os
import stat
from pathlib import Path

import msgspec
import pytest

from py_mlops.data.rules import IgnoreRules
from py_mlops.data.surroundings import (
    Way,
    gather,
    lay_out,
    link,
    moment,
    never_read,
    placeholders,
    stamp,
)
from py_mlops.errors import Hostile
from py_mlops.records import FolderEntry, Link, Listing
from py_mlops.records.handover import SeenSurroundings

LINKS = [Link(path="/p/data", target="../real/2024"), Link(path="/real", target="/disk")]
FILE = FolderEntry(name="a.csv", kind="file", size=3_000_000, modified="1700000000000000000")


def seen(*, cut: bool = False) -> SeenSurroundings:
    """Return what a kernel saw in a folder of the user's and in one of the system's."""
    inner = [FILE, FolderEntry(name="__pycache__", kind="folder", size=0, modified="")]
    listings = [Listing(path=path, cell=1, entries=inner) for path in ("/p", "/etc", "/p/.git/x")]
    links = [*LINKS, Link(path="/etc/alternatives/java", target="/usr/bin/java")]
    return SeenSurroundings(
        variables={"LANG": "C"}, user="ann", zone="UTC", links=links, listings=listings, cut=cut
    )


def test_folders_of_the_system_are_left_out() -> None:
    """Only listings and links of the user's work are recorded."""
    around, holes = gather(seen(), IgnoreRules([]))
    assert [listing.path for listing in around.listings] == ["/p"]
    assert around.links == LINKS
    assert holes == []


def test_more_folders_than_are_kept_are_a_hole() -> None:
    """What was cut is told, and does not stand in the way of a snapshot."""
    [hole] = gather(seen(cut=True), IgnoreRules([]))[1]
    assert "more folders than are kept" in hole.text
    assert not hole.blocking


def test_a_folder_of_which_a_sample_was_read() -> None:
    """All names of an everyday image folder are kept, also when nearly none of it was read."""
    names = [
        FolderEntry(name=f"{n:05}.png", kind="file", size=1, modified="1") for n in range(50_000)
    ]
    around, holes = gather(
        msgspec.structs.replace(seen(), listings=[Listing(path="/p", cell=1, entries=names)]),
        IgnoreRules([]),
    )
    assert len(around.listings[0].entries) == 50_000
    assert holes == []


def test_files_that_were_read_need_no_listing() -> None:
    """A listed file that is recorded with its content is not listed once more."""
    [before], [after] = (
        gather(seen(), IgnoreRules([]), read)[0].listings for read in ((), {"/p/a.csv"})
    )
    assert FILE in before.entries
    assert after.entries == [entry for entry in before.entries if entry != FILE]


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/p/data/a.csv", "/disk/2024/a.csv"),
        ("/p/a.csv", "/p/a.csv"),
        ("/real", "/disk"),
        ("/", "/"),
    ],
)
def test_a_way_through_links(path: str, end: str) -> None:
    """A path leads where the system would have found it, through links in links."""
    assert Way(LINKS).to(path) == end


@pytest.mark.parametrize("path", ["/p/../etc", "p", "//p", "/p/\0", "/p//a"])
def test_a_way_of_a_path_that_is_not_plain(path: str) -> None:
    """A path that could be read in two ways is refused."""
    with pytest.raises(Hostile):
        Way(LINKS).to(path)


def test_links_in_a_circle() -> None:
    """Links that lead to each other are refused, not followed for ever."""
    with pytest.raises(Hostile, match="circle"):
        Way([Link(path="/a", target="b"), Link(path="/b", target="a")]).to("/a/x")


def test_a_link_that_climbs_stays_below_the_root(tmp_path: Path) -> None:
    """However many folders a link climbs, it leads to the root at most, as in any system."""
    way = Way([Link(path="/p/up", target="../" * 50 + "etc/passwd")])
    assert way.to("/p/up") == "/etc/passwd"
    assert link(tmp_path / "m", way, inside=False) == {"/p/up": str(tmp_path / "m/etc/passwd")}


def test_links_that_cannot_be_made_are_no_way() -> None:
    """A link over the interpreter, or into it, is left out; files go by its name then.

    One that the machine itself has on the way to its interpreter is there in any case.
    """
    way = Way(LINKS).without(lambda path: path.startswith("/disk"), {"/real": "/elsewhere"})
    assert way.to("/p/data/a.csv") == "/p/data/a.csv"
    way = Way(LINKS).without(lambda path: path == "/real", {"/real": "/disk"})
    assert way.to("/real/a.csv") == "/disk/a.csv"


@pytest.mark.parametrize("target", ["", "a\0b", "x" * 5000])
def test_a_target_that_no_link_can_hold(tmp_path: Path, target: str) -> None:
    """Such a link is not made, and nothing fails for it."""
    assert link(tmp_path, Way([Link(path="/a", target=target)]), inside=True) == {}


def test_links_are_made_as_they_were(tmp_path: Path) -> None:
    """In a sandbox a link holds what it held; its folder's own links are followed."""
    way = Way([*LINKS, Link(path="/real/l", target="x")])
    made = link(tmp_path, way, inside=True)
    assert made == {"/p/data": "../real/2024", "/real": "/disk", "/disk/l": "x"}
    assert (tmp_path / "p/data").readlink() == Path("../real/2024")


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "../../etc/passwd", "a\0"])
def test_hostile_names(name: str) -> None:
    """A listed name that is no name is refused before anything is made."""
    entry = FolderEntry(name=name, kind="file", size=1, modified="")
    with pytest.raises(Hostile, match="holds a file called"):
        list(placeholders([Listing(path="/p", cell=1, entries=[entry])], Way([])))


def test_a_listed_file_has_its_size_and_time_and_nobody_reads_it(tmp_path: Path) -> None:
    """A file that was only listed looks as it looked, and takes no room for what is not known."""
    lay_out(tmp_path, [("/p/a.csv", FILE)])
    found = (tmp_path / "p/a.csv").stat()
    assert (found.st_size, found.st_mtime_ns) == (3_000_000, 1_700_000_000_000_000_000)
    assert stat.S_IMODE(found.st_mode) & (stat.S_IRUSR | stat.S_IRGRP | stat.S_IROTH) == 0
    assert found.st_blocks == 0


def test_what_the_program_wrote_anew_it_may_read_back(tmp_path: Path) -> None:
    """A listed file that the recorded run overwrote is one that a rerun writes and reads."""
    lay_out(tmp_path, [("/p/a.csv", FILE)], {"/p/a.csv"})
    assert (tmp_path / "p/a.csv").stat().st_mode & stat.S_IRUSR


def test_a_listed_file_that_was_read_stays(tmp_path: Path) -> None:
    """What is restored already, and what is in the way, is left as it is."""
    (tmp_path / "p").mkdir()
    (tmp_path / "p/a.csv").write_text("content")
    (tmp_path / "q").write_text("a file")
    lay_out(tmp_path, [("/p/a.csv", FILE), ("/q/a.csv", FILE)])
    assert (tmp_path / "p/a.csv").read_text() == "content"


@pytest.mark.parametrize("modified", ["", "-1", "1e9", "9" * 30, "²"])
def test_times_that_are_none(tmp_path: Path, modified: str) -> None:
    """What is no time changes nothing."""
    path = tmp_path / "a"
    path.touch()
    os.utime(path, ns=(5, 5))
    stamp(path, modified)
    assert path.stat().st_mtime_ns == 5


@pytest.mark.parametrize(
    ("error", "path"),
    [
        ("PermissionError: [Errno 13] Permission denied: 'p/a.csv'", "/p/a.csv"),
        ("PermissionError: [Errno 13] Permission denied: './a.csv'", "/p/a.csv"),
        ("PermissionError: [Errno 13] Permission denied: '/etc/shadow'", ""),
        ("ValueError: a.csv", ""),
    ],
)
def test_a_refused_file_is_found_by_the_error(error: str, path: str) -> None:
    """The error of a rerun tells which listed file it wanted to read."""
    assert never_read([Listing(path="/p", cell=1, entries=[FILE])], error) == path


@pytest.mark.parametrize(
    ("text", "time"),
    [("17", 17), ("0", 0), *((text, None) for text in ("", "-1", "²", str(2**63), "9" * 5000))],
)
def test_a_recorded_time(text: str, time: int | None) -> None:
    """Whatever a record says, it is a time that a file can have, or none."""
    assert moment(text) == time
