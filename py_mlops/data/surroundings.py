"""What stood around the files: links on the way to them, and names in folders that were listed."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from py_mlops.data.place import mirror_layout
from py_mlops.data.rules import IgnoreRules
from py_mlops.errors import Hostile
from py_mlops.guest.links import walk
from py_mlops.records import FolderEntry, Hole, Link, Listing, Surroundings
from py_mlops.records.handover import SeenSurroundings

_MOST_ENTRIES = 100_000
"""Names of files and folders that a record lists beside the files that were read."""

_DENIED = re.compile(r"Permission denied: '([^']+)'")
_LATEST = 2**63
_UNREADABLE, _OWN = 0o200, 0o644
_LONGEST_TARGET = 4096


def gather(
    seen: SeenSurroundings, rules: IgnoreRules, read: Container[str] = ()
) -> tuple[Surroundings, list[Hole]]:
    """Return what is recorded of a session's surroundings.

    Args:
        seen: What the kernel saw.
        rules: What to leave out of listed folders.
        read: Paths of files that are recorded with their content: no listing
            needs to say that they are there.

    Returns:
        The surroundings, and a hole when more was listed than is kept.
    """
    left, cut = _MOST_ENTRIES, seen.cut
    listings = []
    for listing in seen.listings:
        if rules.reason(listing.path) is not None:
            continue
        folder = listing.path.rstrip("/")
        clear = rules.keeps_all(listing.path)
        entries = [
            entry
            for entry in listing.entries
            if (path := f"{folder}/{entry.name}") not in read
            and ((clear and "/" not in entry.name) or rules.reason(path) is None)
        ]
        cut = cut or len(entries) > left
        listings.append(Listing(path=listing.path, cell=listing.cell, entries=entries[:left]))
        left -= len(listings[-1].entries)
    around = Surroundings(
        variables=seen.variables,
        user=seen.user,
        zone=seen.zone,
        links=[link for link in seen.links if rules.reason(link.path) is None],
        listings=listings,
    )
    hole = Hole(
        kind="data",
        text="The program listed more folders than are kept; a rerun finds in the others only "
        "the files that were read.",
        hint="List only the folders that the training needs.",
        blocking=False,
        cell=0,
    )
    return around, [hole] if cut else []


class Way:
    """Follows recorded links, without looking at any file system."""

    def __init__(self, links: Iterable[Link]) -> None:
        """Remember the links.

        Args:
            links: From a record; hostile until a path was followed.
        """
        self._links = {link.path: link.target for link in links if _is_target(link.target)}

    def to(self, path: str) -> str:
        """Return where an absolute path leads in the end.

        Raises:
            Hostile: When the path is not plain, or its links lead in a circle.
        """
        if path != "/":
            mirror_layout(path)
        try:
            return walk(path, self._links.get)
        except ValueError as error:
            raise Hostile(
                f"The links on the way to {path!r} lead in a circle.",
                hint="Do not use this snapshot; ask its author where it came from.",
            ) from error

    def without(self, refused: Callable[[str], bool], made: Mapping[str, str]) -> Way:
        """Return the way without the links that cannot be made.

        Files behind such a link are found under its name all the same.

        Args:
            refused: Says of a path whether no link may lie there or lead there.
            made: Links that are made in any case, by the machine's own need of them, each with
                what it holds: the very same in a record is a way.
        """
        kept = []
        for path, target in self._links.items():
            with suppress(Hostile):  # a circle is nothing that anyone could have read through
                if made.get(path) == target or not (refused(path) or refused(self.to(path))):
                    kept.append(Link(path=path, target=target))
        return Way(kept)

    def links(self) -> Iterator[tuple[str, str]]:
        """Yield where each link lies, its folder's links followed, and what it holds."""
        for path, target in self._links.items():
            folder, name = os.path.split(path)
            yield f"{self.to(folder).rstrip('/')}/{name}", target


def _is_target(text: str) -> bool:
    """Say whether a link can hold a text."""
    return bool(text) and "\0" not in text and len(text.encode()) < _LONGEST_TARGET


def moment(text: str) -> int | None:
    """Return a recorded time in nanoseconds since 1970; ``None`` for none that a file can have."""
    is_time = text.isascii() and text.isdigit() and len(text) <= len(str(_LATEST))
    return time if is_time and (time := int(text)) < _LATEST else None


def stamp(path: Path, modified: str) -> None:
    """Give a restored file the time of its original.

    Args:
        path: The file; a link is not followed.
        modified: Nanoseconds since 1970; what is no such number changes nothing.
    """
    if (time := moment(modified)) is not None:
        with suppress(OSError):  # older than the file system can hold
            os.utime(path, ns=(time, time), follow_symlinks=False)


def placeholders(listings: Iterable[Listing], way: Way) -> Iterator[tuple[str, FolderEntry]]:
    """Yield each listed name as the path it leads to, with what it was.

    Raises:
        Hostile: When a name could lead out of its folder.
    """
    for listing in listings:
        folder = way.to(listing.path)
        for entry in listing.entries:
            if "/" in entry.name or entry.name in {"", ".", ".."} or "\0" in entry.name:
                raise Hostile(
                    f"The record says that {listing.path} holds a file called {entry.name!r}.",
                    hint="Do not use this snapshot; ask its author where it came from.",
                )
            yield f"{folder.rstrip('/')}/{entry.name}", entry


def never_read(listings: Iterable[Listing], error: str) -> str:
    """Return the file that a rerun was refused because the recorded run never read it.

    Args:
        listings: What the recorded run listed.
        error: The error that ended the rerun.

    Returns:
        Its absolute path; empty when the error tells of something else.
    """
    said = _DENIED.search(error)
    if said is None:
        return ""
    found = (f"{each.path}/{entry.name}" for each in listings for entry in each.entries)
    wanted = "/" + said[1].removeprefix("./").lstrip("/")
    return next((path for path in found if path.endswith(wanted)), "")


def lay_out(
    mirror: Path, found: Iterable[tuple[str, FolderEntry]], written: Container[str] = ()
) -> None:
    """Make what a program found in folders and did not read: empty folders, files without content.

    A file has its size and its time, so that a program which only looks at it
    sees what it saw. Its content was never read, and is not recorded: nobody
    may read it there, so that one who does is told, and not given zeros.

    Args:
        mirror: The restored tree, in which no link lies yet.
        found: Absolute paths, and what was there.
        written: Those that the program wrote anew itself: it may read them back.
    """
    for path, entry in found:
        target = mirror / mirror_layout(path)
        with suppress(FileExistsError, NotADirectoryError):
            if entry.kind == "folder":
                target.mkdir(parents=True, exist_ok=True)
                continue
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("xb") as file, suppress(OSError):
                os.truncate(file.fileno(), max(entry.size, 0))
            stamp(target, entry.modified)
            target.chmod(_OWN if path in written else _UNREADABLE)


def stamp_folders(mirror: Path, found: Iterable[tuple[str, FolderEntry]]) -> None:
    """Give the listed folders their times, when nothing will be put into them any more.

    Args:
        mirror: The restored tree.
        found: As for `lay_out`.
    """
    for path, entry in found:
        target = mirror / mirror_layout(path)
        if entry.kind == "folder" and target.is_dir() and not target.is_symlink():
            stamp(target, entry.modified)


def link(mirror: Path, way: Way, *, inside: bool) -> dict[str, str]:
    """Make the recorded links, last of all: whatever is written afterwards could follow them.

    Args:
        mirror: The restored tree.
        way: The links.
        inside: Whether the mirror will be the program's root; else links are
            made to lead into the mirror, wherever they led.

    Returns:
        What each link that was made holds, by its absolute path.
    """
    made = {}
    for path, target in way.links():
        place = mirror / mirror_layout(path)
        held = target if inside else str(mirror / way.to(path).lstrip("/"))
        with suppress(FileExistsError, NotADirectoryError):
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(held)
            made[path] = held
    return made
