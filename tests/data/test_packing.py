from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from py_mlops.data import packing
from py_mlops.data.contents import Contents, entries_of
from py_mlops.data.groups import group
from py_mlops.data.judge import judge
from py_mlops.data.packing import pack
from py_mlops.data.rules import IgnoreRules
from py_mlops.errors import Corrupt
from py_mlops.records import Blob, Tree, digest_of
from py_mlops.records.handover import Handover
from py_mlops.store import Store
from tests.data.folders import COUNT, images, read_all
from tests.store.samples import snapshot

Hand = Callable[..., Handover]
RULES = IgnoreRules(["/opt/python"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder of images, written long ago."""
    return images(tmp_path / "images")


@pytest.fixture
def take_in(store: Store, hand: Hand) -> Callable[..., list[Tree]]:
    """Take the files of a folder in, as a snapshot does; none may be refused."""

    def take(folder: Path, known: list[Tree] | None = None, **parts: object) -> list[Tree]:
        groups, _ = group(judge(hand(*read_all(folder, **parts)), RULES))
        with store.blobs.batch() as writer:
            trees, refused = pack(
                groups, blobs=store.blobs, writer=writer, cache=store.stat_cache, known=known or []
            )
        assert refused == []
        return trees

    return take


def contents(store: Store, *trees: Tree) -> Contents:
    """Return what a snapshot with these trees holds."""
    blob = Blob(digest=digest_of(b""), size=0)
    record = snapshot(history=blob, lock=blob)
    return Contents(store.blobs, type(record)(**{
        name: getattr(record, name) for name in record.__struct_fields__
    } | {"trees": list(trees)}))  # fmt: skip


def new_bytes(before: list[Tree], after: list[Tree]) -> int:
    """Return how many bytes of packs the later trees name that the earlier ones do not."""
    known = {blob for tree in before for blob in tree.packs}
    return sum(blob.size for blob in {b for tree in after for b in tree.packs} - known)


def test_a_folder(store: Store, folder: Path, take_in: Callable[..., list[Tree]]) -> None:
    """Every file of a folder comes back from its packs, with its name, digest and time."""
    [tree] = take_in(folder)
    assert (tree.folder, tree.requested, tree.files) == (str(folder), "images", COUNT)
    with contents(store, tree) as found:
        assert {file.path for file in found.files} == {
            str(path) for path in folder.rglob("*") if path.is_file()
        }
        for file in found.files:
            data = Path(file.path).read_bytes()
            assert found.read(file.blobs[0].digest) == data
            assert file.requested == str(Path(file.path).relative_to(folder.parent))
            assert file.modified == str(Path(file.path).stat().st_mtime_ns)
    assert sum(blob.size for blob in tree.packs) < tree.size  # two files are equal


def test_unchanged(
    folder: Path, take_in: Callable[..., list[Tree]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder that is as it was gives the same tree, and none of its files is opened."""
    monkeypatch.setattr(packing, "_RACY", -(10**18))  # as if they had been written long ago
    first = take_in(folder)
    opened = []

    def note(path: str, *args: int) -> int:
        opened.append(path)
        return real(path, *args)

    real = os.open
    monkeypatch.setattr(os, "open", note)
    assert take_in(folder) == first
    assert [path for path in opened if str(folder) in str(path)] == []


def test_written_just_now(store: Store, folder: Path, take_in: Callable[..., list[Tree]]) -> None:
    """Files written just before they were read are read again: their times tell little."""
    first = take_in(folder)
    target = next(folder.rglob("*.png"))
    before, data = target.stat(), target.read_bytes()
    target.write_bytes(data[::-1])
    os.utime(target, ns=(before.st_atime_ns, before.st_mtime_ns))
    [tree] = take_in(folder)
    assert tree.manifest != first[0].manifest
    with contents(store, tree) as found:
        assert found.read(digest_of(data[::-1])) == data[::-1]


@pytest.mark.parametrize("cache_lost", [False, True])
def test_a_changed_and_an_added_file(
    store: Store, folder: Path, take_in: Callable[..., list[Tree]], cache_lost: bool
) -> None:
    """Only what is new goes into a new pack, also when the cache was lost in between."""
    first = take_in(folder)
    if cache_lost:
        store.stat_cache.close()
        for path in store.folder.glob("cache.sqlite*"):
            path.unlink()
    (folder / "class_0" / "00000.png").write_bytes(b"changed")
    (folder / "class_1" / "added.png").write_bytes(b"added")
    second = take_in(folder, first)
    assert new_bytes(first, second) == len(b"changed" + b"added")
    with contents(store, *second) as found:
        assert found.read(digest_of(b"added")) == b"added"


def test_a_moved_folder(folder: Path, take_in: Callable[..., list[Tree]]) -> None:
    """A folder that was moved needs no new pack."""
    first = take_in(folder)
    moved = folder.rename(folder.with_name("pictures"))
    assert new_bytes(first, take_in(moved, first)) == 0


def test_a_small_part(folder: Path, take_in: Callable[..., list[Tree]]) -> None:
    """A snapshot of a small part of a folder does not stand on the pack of the whole."""
    big = images(folder.with_name("big"), 3 * COUNT)
    whole = take_in(big)
    for path in sorted(big.rglob("*.png"))[COUNT:]:
        path.unlink()
    [part] = take_in(big, whole)
    assert not set(part.packs) & set(whole[0].packs)
    assert sum(blob.size for blob in part.packs) <= part.size


def test_many_packs(
    store: Store, folder: Path, take_in: Callable[..., list[Tree]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pack ends when it is full, and a record names a bounded number of older ones."""
    monkeypatch.setattr(packing, "PACK", 1000)
    monkeypatch.setattr(packing, "MOST_PACKS", 3)
    [tree] = take_in(folder)
    assert len(tree.packs) > 10
    monkeypatch.setattr(packing, "PACK", 1 << 20)
    (folder / "class_0" / "added.png").write_bytes(b"added")
    [again] = take_in(folder)
    assert len(again.packs) == 4
    with contents(store, again) as found:
        assert all(found.read(file.blobs[0].digest) for file in found.files)


def test_workers(folder: Path, store: Store, hand: Hand) -> None:
    """Files that several processes read are a tree for each, in the same packs."""
    files = read_all(folder) + read_all(images(folder.with_name("copy")))
    for number, file in enumerate(files):
        file["process"] = f"worker {number % 2}"
    groups, rest = group(judge(hand(*files), RULES))
    with store.blobs.batch() as writer:
        trees, _ = pack(groups, blobs=store.blobs, writer=writer, cache=store.stat_cache)
    assert rest == []
    assert [tree.process for tree in trees] == ["worker 0", "worker 1"]
    assert {blob for tree in trees for blob in tree.packs} == set(trees[0].packs)


@pytest.mark.parametrize("how", ["changed", "gone", "replaced"])
def test_a_file_that_moves_away_meanwhile(folder: Path, store: Store, hand: Hand, how: str) -> None:
    """A file that changes between the look at it and its reading is in no tree, and is named."""
    groups, _ = group(judge(hand(*read_all(folder)), RULES))
    target = folder / "class_1" / "00007.png"
    target.rename(target.with_name("aside")) if how != "changed" else target.write_bytes(b"x")
    if how == "replaced":
        target.write_bytes(target.with_name("aside").read_bytes())
    with store.blobs.batch() as writer:
        [tree], [refused] = pack(groups, blobs=store.blobs, writer=writer, cache=store.stat_cache)
    assert (tree.files, refused.seen.path) == (COUNT - 1, str(target))


def test_what_stays_by_itself(folder: Path, hand: Hand) -> None:
    """Few files, large ones, modules and inputs that were written too are recorded one by one."""
    large, few = folder / "large.bin", images(folder.with_name("few"), 20)
    large.touch()
    os.truncate(large, (8 << 20) + 1)
    files = read_all(folder) + read_all(few, cell=9)
    files[0]["written"] = True
    groups, rest = group(judge(hand(*files), RULES))
    assert [len(one.members) for one in groups] == [COUNT - 1]
    assert {finding.seen.requested for finding in rest} == {
        files[0]["requested"], "images/large.bin", *(file["requested"] for file in read_all(few))
    }  # fmt: skip


@pytest.mark.parametrize("prefix", ["", "./", "../work/", "/"])
def test_names(folder: Path, hand: Hand, prefix: str) -> None:
    """However the program writes the names, each is kept to the letter."""
    files = read_all(folder)
    for file in files:
        file["requested"] = file["path"] if prefix == "/" else prefix + file["requested"]
    [found], rest = group(judge(hand(*files), RULES))
    assert rest == []
    names = [f"{found.requested}/{member.path}" for member in found.members]
    assert names == sorted(file["requested"] for file in files)


def test_a_damaged_byte(store: Store, folder: Path, take_in: Callable[..., list[Tree]]) -> None:
    """A damaged byte of a pack is noticed and names its file; every other file can be read."""
    [tree] = take_in(folder)
    victim = entries_of(tree, store.blobs)[100]
    path = store.folder / "objects" / tree.packs[0].digest[7:9] / tree.packs[0].digest[7:]
    path.chmod(0o644)
    data = bytearray(path.read_bytes())
    data[victim.offset + 5] ^= 1
    path.write_bytes(data)
    with contents(store, tree) as found:
        for file in found.files:
            if file.blobs[0].digest == f"sha256:{victim.sha256}":
                with pytest.raises(Corrupt, match=f"images/{victim.path}"):
                    found.read(file.blobs[0].digest)
            else:
                assert found.read(file.blobs[0].digest)
