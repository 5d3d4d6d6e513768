from __future__ import annotations

import hashlib

import msgspec
import pytest

from py_mlops.errors import Corrupt, Hostile
from py_mlops.records import Blob, Tree
from py_mlops.records.manifest import Entry, decode, encode
from tests.store.samples import digest

ONE = hashlib.sha256(b"one").hexdigest()
TWO = hashlib.sha256(b"two").hexdigest()
FILES = [Entry("a", ONE, 3, 0, 0, "1767225600000000000"), Entry("b/c", TWO, 3, 0, 3, "")]


def tree(files: int = 2, size: int = 6, pack: int = 6) -> Tree:
    """Return a tree with one pack."""
    return Tree(
        folder="/data/images", requested="images", role="input", cell=1, observed="audit-hook",
        process="", executable=False, files=files, size=size,
        manifest=Blob(digest=digest("m"), size=1), packs=[Blob(digest=digest("p"), size=pack)],
    )  # fmt: skip


def test_there_and_back() -> None:
    """A manifest is read back as it was written, one JSON list a line."""
    data = encode(FILES)
    assert data.splitlines()[0] == f'["a","{ONE}",3,0,0,"1767225600000000000"]'.encode()
    assert decode(tree(), data) == FILES


@pytest.mark.parametrize(
    "path", ["../x", "/etc/x", "a/../../x", "x/..", "./x", "x//y", "x/", "", ".", "..", "x\0y"]
)
def test_names_that_lead_out(path: str) -> None:
    """A name that could lead out of the folder is hostile, wherever it stands."""
    hostile = Entry(path, ONE, 3, 0, 0, "")
    beside = sorted([hostile, Entry("0", TWO, 3, 0, 3, "")], key=lambda one: one.path)
    for entries in ([hostile], beside):
        with pytest.raises(Hostile):
            decode(tree(len(entries), 3 * len(entries)), encode(entries))


@pytest.mark.parametrize(
    "entries",
    [
        [Entry("a", ONE, 3, 0, 0, ""), Entry("a", TWO, 3, 0, 3, "")],
        [Entry("b", ONE, 3, 0, 0, ""), Entry("a", TWO, 3, 0, 3, "")],
        [Entry("a", ONE, 3, 0, 0, ""), Entry("a/b", TWO, 3, 0, 3, "")],
        [Entry("a", ONE, 3, 0, 0, ""), Entry("b", TWO, 3, 0, 4, "")],
        [Entry("a", ONE, 3, 0, 0, ""), Entry("b", TWO, 3, 0, 2, "")],
        [Entry("a", ONE, 3, 0, 0, ""), Entry("b", TWO, 3, 0, 0, "")],
        [Entry("a", ONE, 3, 0, 0, ""), Entry("b", TWO, 3, 1, 0, "")],
        [Entry("a", ONE, 2**52, 0, 0, ""), Entry("b", TWO, 3, 0, 2**52, "")],
        [Entry("a", ONE, 3, 0, 0, "")],
        [*FILES, Entry("d", ONE, 3, 0, 0, "")],
    ],
    ids=[
        *("twice", "unsorted", "file-and-folder", "beyond", "overlapping", "two-at-one-place"),
        *("no-such-pack", "huge", "too-few", "too-many"),
    ],
)
def test_what_we_never_write(entries: list[Entry]) -> None:
    """A name twice, a place beyond its pack or over another file, or a wrong count is corrupt."""
    with pytest.raises(Corrupt):
        decode(tree(), encode(entries))


def test_the_same_file_twice() -> None:
    """Two equal files may lie at the same place, once."""
    entries = [Entry("a", ONE, 3, 0, 0, ""), Entry("b", ONE, 3, 0, 0, "")]
    assert decode(tree(), encode(entries)) == entries


@pytest.mark.parametrize(
    "data",
    [
        b"", b"\n\n", b"[]\n[]\n", b"{}\n{}\n", b"\xff\n\n", b"[" * 9999 + b"\n\n",
        encode(FILES).replace(b",3", b", 3"), encode(FILES)[:-1] + b" \n",
        encode(FILES).replace(b"3,0,0", b"-3,0,0"), encode(FILES).replace(b"3,0,0", b"3,0,0.5"),
        encode(FILES).replace(ONE.encode(), ONE.upper().encode()),
        encode(FILES).replace(b'"1767225600000000000"', b'"now"'),
        encode(FILES).replace(b'""]', b'"",1]'), encode(FILES).replace(b'"a"', b'"\\u0061"'),
    ],
)  # fmt: skip
def test_damaged(data: bytes) -> None:
    """Bytes that are no manifest, or one in another encoding, are corrupt."""
    with pytest.raises(Corrupt):
        decode(tree(), data)


def test_ten_million_lines() -> None:
    """A manifest with more lines than its record says is refused before it is decoded."""
    with pytest.raises(Corrupt, match="does not name 2 files"):
        decode(tree(), b"\n" * 10_000_000)


def test_a_record_of_ten_million_files() -> None:
    """A record that says that a tree has more than a million files is no record."""
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(msgspec.to_builtins(tree()) | {"files": 10_000_000}, Tree)
