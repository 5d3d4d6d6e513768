"""What the verbs do with a folder of many small files."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import msgspec
import pytest

from py_mlops.commands.comparison.diff import diff
from py_mlops.commands.reruns.closure import check_closure
from py_mlops.commands.snapshots.restore import restore
from py_mlops.commands.transfer.bundle import FORMAT, LISTING, MANIFEST, bundle
from py_mlops.commands.transfer.unbundle import unbundle
from py_mlops.commands.upkeep.gc import gc
from py_mlops.commands.upkeep.verify import verify
from py_mlops.errors import Corrupt, Hostile, StoreUnavailable
from py_mlops.progress import Progress
from py_mlops.records import Snapshot, Tree, digest_of, record_id
from py_mlops.records import encode as encode_record
from py_mlops.records.closure import named_blobs
from py_mlops.records.manifest import Entry, decode, encode
from py_mlops.workspace import Workspace
from tests.data.folders import COUNT, images, read_all
from tests.handovers import handover, take


@pytest.fixture
def folder(project: Path) -> Path:
    """Make a folder of images in the project."""
    return images(project / "images")


@pytest.fixture
def taken(workspace: Workspace, project: Path, folder: Path, tmp_path: Path) -> str:
    """The id of a snapshot whose cell read all images."""
    return take(workspace, tmp_path / "handover", handover(project, *read_all(folder)))


def tree_of(workspace: Workspace, taken: str) -> Tree:
    """Return a snapshot's only tree."""
    [tree] = workspace.store.get_as(taken, Snapshot).trees
    return tree


def files_in(folder: Path) -> dict[str, bytes]:
    """Return every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def with_entries(workspace: Workspace, taken: str, entries: list[Entry]) -> str:
    """Enter a snapshot whose manifest was replaced by a stranger."""
    record = workspace.store.get_as(taken, Snapshot)
    manifest = workspace.store.blobs.put_bytes(encode(entries))
    size = sum(entry.size for entry in entries)
    tree = msgspec.structs.replace(
        record.trees[0], manifest=manifest, files=len(entries), size=size
    )
    record = msgspec.structs.replace(record, trees=[tree])
    workspace.store.add(record)
    return record_id(record)


def test_the_record_is_small(workspace: Workspace, taken: str) -> None:
    """The record names the folder, and no file of it."""
    record = workspace.store.get_as(taken, Snapshot)
    assert record.data == []
    assert len(encode_record(record)) < 20_000
    assert tree_of(workspace, taken).files == COUNT


def test_restore(workspace: Workspace, taken: str, folder: Path, tmp_path: Path) -> None:
    """Every file comes back, byte for byte, with progress."""
    seen: list[Progress] = []
    restore(workspace, taken, tmp_path / "restored", report=seen.append)
    assert files_in(tmp_path / "restored" / "images") == files_in(folder)
    assert [one.total for one in seen if one.stage == "data"] == [COUNT] * COUNT


def test_bundle_and_back(
    workspace: Workspace, elsewhere: Workspace, taken: str, folder: Path, tmp_path: Path
) -> None:
    """A bundle carries manifest and packs, and the files come out of it elsewhere."""
    bundle(workspace, taken, tmp_path / "b.mlops")
    assert unbundle(elsewhere, tmp_path / "b.mlops") == taken
    restore(elsewhere, taken, tmp_path / "restored")
    assert files_in(tmp_path / "restored" / "images") == files_in(folder)


def test_diff(
    workspace: Workspace, project: Path, folder: Path, taken: str, tmp_path: Path
) -> None:
    """A changed file is named; very many of one folder are told in one line."""
    (folder / "class_0" / "00000.png").write_bytes(b"changed")
    images(folder, 2 * COUNT)
    (folder / "class_0" / "00000.png").write_bytes(b"changed")
    second = take(workspace, tmp_path / "again", handover(project, *read_all(folder)))
    assert diff(workspace, taken, second).data == [
        "~ images/class_0/00000.png (input): 42 → 7 bytes",
        "+ images/class_0/ (150 files, input)",
        "+ images/class_1/ (150 files, input)",
    ]


def test_gc_keeps_packs(workspace: Workspace, taken: str) -> None:
    """A pack and a manifest that a snapshot names stay, however old they are."""
    gc(workspace, delete=True, grace=0)
    assert list(verify(workspace)) == []
    assert workspace.store.blobs.has(tree_of(workspace, taken).packs[0].digest)


@pytest.mark.parametrize("how", ["pack", "manifest"])
def test_damage_is_named(workspace: Workspace, taken: str, how: str) -> None:
    """Verify and a rerun's check name the file that a damaged byte belongs to."""
    tree = tree_of(workspace, taken)
    entries = decode(tree, workspace.store.blobs.read(tree.manifest.digest))
    digest = (tree.packs[0] if how == "pack" else tree.manifest).digest
    path = workspace.store.folder / "objects" / digest[7:9] / digest[7:]
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(entries[7].offset if how == "pack" else 5)
        file.write(b"\xff")
    told = list(verify(workspace))
    assert any(digest[7:19] in sentence for sentence in told)
    if how == "pack":
        assert [f"images/{entries[7].path} " in one for one in told] == [False, True]
    with pytest.raises(Corrupt, match=f"images/{entries[7].path}" if how == "pack" else "damaged"):
        check_closure(workspace, workspace.store.get_as(taken, Snapshot))


def by_hand(workspace: Workspace, snapshot_id: str, path: Path) -> Path:
    """Write the bundle that our own program would not write."""
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    manifest = json.dumps({"format": FORMAT, "snapshot": snapshot_id}).encode()
    members = {MANIFEST: manifest}
    for digest in {snapshot_id, *(blob.digest for blob in named_blobs(snapshot))}:
        members[f"objects/{digest[7:9]}/{digest[7:]}"] = workspace.store.blobs.read(digest)
    sums = [f"{digest_of(data)[7:]}  {name}\n" for name, data in members.items()]
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in {**members, LISTING: "".join(sums).encode()}.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("path", ["../victim", "/victim", "class_0/../../victim"])
def test_a_hostile_manifest(
    workspace: Workspace, elsewhere: Workspace, taken: str, tmp_path: Path, path: str
) -> None:
    """Names that lead out are refused by restore, bundle and unbundle: nothing is written."""
    tree = tree_of(workspace, taken)
    entries = decode(tree, workspace.store.blobs.read(tree.manifest.digest))
    entries = sorted([msgspec.structs.replace(entries[0], path=path), *entries[1:]],
                     key=lambda entry: entry.path)  # fmt: skip
    hostile = with_entries(workspace, taken, entries)
    with pytest.raises(Hostile):
        restore(workspace, hostile, tmp_path / "deep" / "restored")
    assert not (tmp_path / "deep").exists()
    with pytest.raises(Hostile):
        bundle(workspace, hostile, tmp_path / "b.mlops")
    with pytest.raises(Hostile):
        unbundle(elsewhere, by_hand(workspace, hostile, tmp_path / "b.mlops"))
    assert elsewhere.store.ledger.size() == 0
    assert list(elsewhere.store.blobs) == []


def test_a_link_in_the_way(workspace: Workspace, taken: str, tmp_path: Path) -> None:
    """A link in the place of one of its folders is not followed."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "restored" / "images").mkdir(parents=True)
    (tmp_path / "restored" / "images" / "class_1").symlink_to(tmp_path / "outside")
    with pytest.raises(Hostile):
        restore(workspace, taken, tmp_path / "restored")
    assert list((tmp_path / "outside").iterdir()) == []


def test_a_bomb(workspace: Workspace, taken: str, tmp_path: Path) -> None:
    """A file that a record wants very often is refused where the disk has no room for it."""
    tree = tree_of(workspace, taken)
    pack = workspace.store.blobs.put_pieces([bytes(1 << 20)] * 64)
    digest = "3b6a07d0d404fab4e23b6d34bc6696a6a312dd92821332385e5af7c01c421351"
    entries = [Entry(f"{n:06}", digest, pack.size, 0, 0, "") for n in range(20_000)]
    record = workspace.store.get_as(taken, Snapshot)
    bomb = msgspec.structs.replace(
        tree, packs=[pack], manifest=workspace.store.blobs.put_bytes(encode(entries)),
        files=len(entries), size=pack.size * len(entries),
    )  # fmt: skip
    record = msgspec.structs.replace(record, trees=[bomb])
    workspace.store.add(record)
    with pytest.raises(StoreUnavailable, match="cannot hold the files"):
        restore(workspace, record_id(record), tmp_path / "restored")
    assert not (tmp_path / "restored").exists()
