from __future__ import annotations

import json
import sqlite3
import stat
import struct
import zipfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from py_mlops.commands.transfer.bundle import MANIFEST, bundle
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.errors import Corrupt, Hostile, InputError, Missing, MlopsError, StoreUnavailable
from py_mlops.records import Snapshot, digest_of
from py_mlops.workspace import Workspace

Members = dict[str, bytes]
Change = Callable[[Members], None]


@pytest.fixture
def whole(workspace: Workspace, taken: str, tmp_path: Path) -> Path:
    """A bundle as its author made it."""
    return bundle(workspace, taken, tmp_path / "whole.zip")


def members(path: Path) -> Members:
    """Return what a zip file holds."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def pack(path: Path, *entries: tuple[str | zipfile.ZipInfo, bytes]) -> Path:
    """Write a zip file from scratch, also one that no bundle could be."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in entries:
            archive.writestr(name, data, zipfile.ZIP_DEFLATED)
    return path


def refuse(elsewhere: Workspace, path: Path, error: type[MlopsError]) -> MlopsError:
    """Check that a bundle is refused without a trace; return the refusal."""
    around = sorted(path.parent.iterdir())
    with pytest.raises(error) as refused:
        unbundle(elsewhere, path)
    assert elsewhere.store.ledger.size() == 0
    assert sorted(path.parent.iterdir()) == around
    assert not unpacked(elsewhere)
    assert refused.value.hint
    return refused.value


def unpacked(workspace: Workspace) -> list[Path]:
    """Return what lies where bundles are unpacked."""
    folder = workspace.cache / "bundles"
    return list(folder.iterdir()) if folder.exists() else []


def object_name(digest: str) -> str:
    """Return an object's place in a bundle."""
    return f"objects/{digest[7:9]}/{digest[7:]}"


def data_object(workspace: Workspace, taken: str) -> str:
    """Return the place of the snapshot's data file in a bundle."""
    return object_name(workspace.store.get_as(taken, Snapshot).data[0].blobs[0].digest)


OUTSIDE = [
    "../x", "objects/../../x", "/srv/x", "/etc/passwd", "..", "objects/aa/../../../x",
    "C:\\x", "..\\x", "objects/aa/" + "a" * 63, "objects/aa/" + "A" * 64, "README.txt/x",
    "objects/aa/", "mlops-bundle.json ", "./README.txt", "objects//aa", "\u202egnp.exe",
]  # fmt: skip


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_has_no_place_in_a_bundle_is_refused(
    elsewhere: Workspace, whole: Path, tmp_path: Path, name: str
) -> None:
    """No file in a bundle chooses where it is written, and nothing is unpacked before that."""
    path = pack(tmp_path / "hostile.zip", *members(whole).items(), (name, b"evil"))
    assert "no place in a bundle" in refuse(elsewhere, path, Hostile).message


def test_a_symbolic_link_is_no_way_out(
    workspace: Workspace, elsewhere: Workspace, whole: Path, taken: str, tmp_path: Path
) -> None:
    """A member that says it is a link is only bytes, and those are not what its name says."""
    link = zipfile.ZipInfo(data_object(workspace, taken))
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    rest = members(whole)
    del rest[link.filename]
    path = pack(tmp_path / "hostile.zip", *rest.items(), (link, b"/etc/passwd"))
    refuse(elsewhere, path, Missing)
    size = workspace.store.get_as(taken, Snapshot).data[0].blobs[0].size
    path = pack(tmp_path / "padded.zip", *rest.items(), (link, b"/" * (size - 6) + b"passwd"))
    refuse(elsewhere, path, Corrupt)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_a_name_that_stands_twice_is_refused(
    workspace: Workspace, elsewhere: Workspace, whole: Path, taken: str, tmp_path: Path
) -> None:
    """Which of the two is meant is not guessed."""
    for number, name in enumerate((MANIFEST, data_object(workspace, taken))):
        path = pack(tmp_path / f"{number}.zip", *members(whole).items(), (name, b"other"))
        refuse(elsewhere, path, Hostile)


def test_a_bomb_is_refused_before_it_is_unpacked(elsewhere: Workspace, tmp_path: Path) -> None:
    """A size that no compression reaches, claimed by the directory, is called a bomb."""
    path = pack(tmp_path / "bomb.zip", (object_name("sha256:" + "a" * 64), b"0" * 1000))
    raw = bytearray(path.read_bytes())
    at = raw.index(b"PK\x01\x02")
    raw[at + 24 : at + 28] = struct.pack("<I", 1 << 31)
    path.write_bytes(raw)
    assert "bomb" in refuse(elsewhere, path, Hostile).message


def test_an_object_that_goes_on_longer_than_its_record_says_is_cut_off(
    workspace: Workspace, elsewhere: Workspace, whole: Path, taken: str, tmp_path: Path
) -> None:
    """A size that is a lie, in either place where a zip states one, unpacks to nothing."""
    name, content = data_object(workspace, taken), members(whole)
    content[name] = b"0" * (8 << 20)
    path = pack(tmp_path / "long.zip", *content.items())
    refuse(elsewhere, path, Missing)
    raw = bytearray(path.read_bytes())
    at = raw.rindex(name.encode()) - 46
    assert raw[at : at + 4] == b"PK\x01\x02"
    size = workspace.store.get_as(taken, Snapshot).data[0].blobs[0].size
    raw[at + 24 : at + 28] = struct.pack("<I", size)
    path.write_bytes(raw)
    refuse(elsewhere, path, Corrupt)


def test_every_object_is_needed_and_checked(
    elsewhere: Workspace, whole: Path, taken: str, tmp_path: Path
) -> None:
    """One object left out, or one byte of it altered, and the snapshot is not taken in."""
    for name in members(whole):
        if not name.startswith("objects/"):
            continue
        lost, altered = members(whole), members(whole)
        data = lost.pop(name)
        refuse(elsewhere, pack(tmp_path / "lost.zip", *lost.items()), Missing)
        altered[name] = data[:-1] + bytes([data[-1] ^ 1])
        refused = refuse(elsewhere, pack(tmp_path / "altered.zip", *altered.items()), Corrupt)
        assert name[11:23] in refused.message
        assert taken


def test_a_bundle_cut_off_anywhere_is_no_whole_bundle(
    elsewhere: Workspace, whole: Path, tmp_path: Path
) -> None:
    """A download that ended early is told, wherever it ended."""
    data = whole.read_bytes()
    for part in range(24):
        path = tmp_path / "cut.zip"
        path.write_bytes(data[: len(data) * part // 24])
        refuse(elsewhere, path, Corrupt)


def test_a_place_before_the_beginning_is_damage_and_not_a_failing_disk(
    elsewhere: Workspace, whole: Path, tmp_path: Path
) -> None:
    """A directory that claims to lie further on puts every member before the file's first byte."""
    data = bytearray(whole.read_bytes())
    at = len(data) - 6  # where the last record of a zip says where its directory begins
    claimed = int.from_bytes(data[at : at + 4], "little") + 100
    data[at : at + 4] = claimed.to_bytes(4, "little")
    path = tmp_path / "shifted.zip"
    path.write_bytes(data)
    refuse(elsewhere, path, Corrupt)


def test_any_altered_byte_is_noticed_or_harmless(
    elsewhere: Workspace, whole: Path, taken: str, tmp_path: Path
) -> None:
    """Whatever a byte becomes, the outcome is a refusal of ours or the very snapshot."""
    data = whole.read_bytes()
    refused = 0
    for at in range(0, len(data), len(data) // 60):
        path = tmp_path / "flipped.zip"
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        try:
            assert unbundle(elsewhere, path) == taken
        except MlopsError:
            refused += 1
    assert refused > 30


MANIFESTS = {
    "empty": b"",
    "no-json": b"\xff\xfe{",
    "a-list": b"[]",
    "a-number": b"7",
    "nothing-in-it": b"{}",
    "deep": b"[" * 200_000,
    "deep-and-closed": b'{"format":2,"snapshot":' + b"[" * 50_000 + b"]" * 50_000 + b"}",
    "unknown-format": json.dumps({"format": 3, "snapshot": "sha256:" + "a" * 64}).encode(),
    "format-as-text": json.dumps({"format": "2", "snapshot": "sha256:" + "a" * 64}).encode(),
    "format-as-a-list": json.dumps({"format": [2], "snapshot": "sha256:" + "a" * 64}).encode(),
    "no-digest": json.dumps({"format": 2, "snapshot": "../../etc/passwd"}).encode(),
    "null": json.dumps({"format": 2, "snapshot": None}).encode(),
    "huge-number": b'{"format": ' + b"9" * 5000 + b', "snapshot": ""}',
}


@pytest.mark.parametrize("manifest", MANIFESTS.values(), ids=MANIFESTS)
def test_a_manifest_that_cannot_be_used_is_refused(
    elsewhere: Workspace, whole: Path, tmp_path: Path, manifest: bytes
) -> None:
    """Unreadable, too deep, of another format, naming no snapshot: each ends in a sentence."""
    content = members(whole) | {MANIFEST: manifest}
    refuse(elsewhere, pack(tmp_path / "hostile.zip", *content.items()), Corrupt)


def test_a_manifest_that_names_another_object_is_refused(
    workspace: Workspace, elsewhere: Workspace, whole: Path, taken: str, tmp_path: Path
) -> None:
    """What is no snapshot's record, or is not in the bundle, is not taken for one."""
    for digest, error in (
        ("sha256:" + "a" * 64, Missing),
        ("sha256:" + data_object(workspace, taken)[11:], Corrupt),
    ):
        manifest = json.dumps({"format": 2, "snapshot": digest}).encode()
        content = members(whole) | {MANIFEST: manifest}
        refuse(elsewhere, pack(tmp_path / "other.zip", *content.items()), error)


@pytest.mark.parametrize(
    "record",
    [
        b"[" * 100_000,
        b'{"kind":"snapshot"}',
        b'{"kind":"history","format":1,"cells":[]}',
        b'{"cells":[],"format":1,"kind":"history"}',
        b"",
        b"null",
    ],
)
def test_a_record_that_is_no_snapshot_is_refused(
    elsewhere: Workspace, tmp_path: Path, record: bytes
) -> None:
    """Bytes whose digest is right are still no snapshot."""
    digest = digest_of(record)
    manifest = json.dumps({"format": 2, "snapshot": digest}).encode()
    path = pack(tmp_path / "no.zip", (MANIFEST, manifest), (object_name(digest), record))
    refuse(elsewhere, path, Corrupt)


def test_what_is_no_zip_or_not_there_is_told(elsewhere: Workspace, tmp_path: Path) -> None:
    """A wrong file, a folder and a mistyped name each end in a sentence."""
    (tmp_path / "notes.txt").write_text("not a zip" * 100)
    refuse(elsewhere, tmp_path / "notes.txt", Corrupt)
    refuse(elsewhere, tmp_path / "nowhere.zip", InputError)
    refuse(elsewhere, tmp_path, InputError)


def test_a_snapshot_that_came_in_says_so_and_moves_no_head(
    elsewhere: Workspace, whole: Path, taken: str
) -> None:
    """The ledger records who brought it in and from which file; a second time changes nothing."""
    assert unbundle(elsewhere, whole) == taken
    assert unpacked(elsewhere) == []
    rows = list(elsewhere.store.ledger.rows())
    assert [row.kind for row in rows] == ["import", "snapshot"]
    assert rows[0].subject == taken
    assert elsewhere.store.ledger.heads() == {}
    assert unbundle(elsewhere, whole) == taken
    assert elsewhere.store.ledger.size() == 2


def test_an_import_without_its_snapshot_cannot_be(
    elsewhere: Workspace, whole: Path, taken: str
) -> None:
    """When the ledger takes only one of the two, it takes none, and the next try brings both."""
    database = elsewhere.store.folder / "ledger.sqlite"
    block = "BEFORE INSERT ON log WHEN NEW.kind = 'snapshot' BEGIN SELECT RAISE(ABORT, 'full'); END"
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute(f"CREATE TRIGGER full {block}")
    refuse(elsewhere, whole, StoreUnavailable)
    with closing(sqlite3.connect(database)) as connection, connection:
        connection.execute("DROP TRIGGER full")
    assert unbundle(elsewhere, whole) == taken
    assert [row.kind for row in elsewhere.store.ledger.rows()] == ["import", "snapshot"]


def test_what_a_killed_unbundle_unpacked_goes_with_the_next(
    elsewhere: Workspace, whole: Path, taken: str
) -> None:
    """No disk fills up with bundles that nobody finished unpacking."""
    left = elsewhere.cache / "bundles" / ".mlops-drafts-0123456789abcdef"
    left.mkdir(parents=True)
    (left / "7").write_bytes(b"half of an object")
    assert unbundle(elsewhere, whole) == taken
    assert unpacked(elsewhere) == []
