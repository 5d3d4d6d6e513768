"""What a program found around it without reading it: names in folders, links, its user's home."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Part


class Link(Part, frozen=True):
    """A symbolic link that the program went through, or found.

    Attributes:
        path: Its absolute path; links among its folders are followed.
        target: What it holds, byte for byte.
    """

    path: str
    target: str


class FolderEntry(Part, frozen=True):
    """One name in a listed folder; links are among the surroundings' links.

    Attributes:
        name: The name.
        kind: What it names.
        size: A file's size in bytes; 0 for a folder.
        modified: When it was last written, in nanoseconds since 1970, as decimal digits.
    """

    name: str
    kind: Literal["file", "folder"]
    size: int
    modified: str


class Listing(Part, frozen=True):
    """A folder whose names the program asked for, as it was then.

    Attributes:
        path: Absolute and normalised, symbolic links kept as the program named it.
        cell: Execution count of the cell that asked first.
        entries: What was in it, but for what the program itself had put there;
            sorted by name.
    """

    path: str
    cell: int
    entries: list[FolderEntry]


class Surroundings(Part, frozen=True):
    """What stood around the program.

    Attributes:
        variables: Of a fixed list of harmless environment variables (home, user,
            language, time zone) those that were set when the session began.
        user: The account's name; empty when it had none.
        zone: The machine's time zone, ``Europe/Zurich``; empty when unknown.
        links: Symbolic links on the way to its files, and in listed folders.
        listings: Folders whose names it asked for.
    """

    variables: dict[str, str]
    user: str
    zone: str
    links: list[Link]
    listings: list[Listing]
