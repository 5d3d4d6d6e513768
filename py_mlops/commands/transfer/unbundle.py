"""Unbundle: bring a snapshot from someone's file into the store, believing nothing unchecked."""

from __future__ import annotations

import errno
import hashlib
import json
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from py_mlops.commands.transfer import proof
from py_mlops.commands.transfer.bundle import (
    CRATE,
    FORMAT,
    LISTING,
    MANIFEST,
    README,
    SEAL,
    SEALER,
)
from py_mlops.commands.transfer.sealed import Ask, Asking, Tell, check_seal
from py_mlops.data.drafts import drafts
from py_mlops.errors import Corrupt, Hostile, InputError, Missing
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Blob, Import, Snapshot, decode_as, digest_of, is_digest, record_id
from py_mlops.records.closure import named_blobs
from py_mlops.records.manifest import LARGEST
from py_mlops.records.manifest import decode as decode_manifest
from py_mlops.store.failures import disk_failures
from py_mlops.workspace import Workspace, now

_OBJECT = re.compile(r"objects/([0-9a-f]{2})/([0-9a-f]{64})")
_PLAIN = frozenset({MANIFEST, LISTING, README, CRATE, SEAL, SEALER}) | proof.MEMBERS
_LARGEST_RECORD = 64 << 20
_CHUNK = 1 << 20
_MAGIC = b"PK\3\4"
_RATIO = 1100  # deflate cannot do better than 1032 to 1
_SMALL = 1 << 16
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
# What the zip reader raises on damage, besides its own error.
_NO_ZIP = (
    *(zipfile.BadZipFile, zlib.error, struct.error),
    *(EOFError, NotImplementedError, RuntimeError, ValueError, OverflowError, OSError),
)


def unbundle(
    workspace: Workspace,
    source: Path,
    *,
    ask: Ask = lambda _question: False,
    tell: Tell = lambda _sentence: None,
    report: Report = silent,
) -> str:
    """Bring the snapshot of a bundle into the store.

    The file is hostile until every name, size and digest in it has been
    checked; nothing in it is executed or written under a name of its choosing.
    No head is moved: the snapshot is found by its id.

    Args:
        workspace: Where it goes.
        source: The bundle.
        ask: Asked before a bundle is taken in whose signer is not known here.
        tell: Told who has signed it, or that nobody has.
        report: Told about progress.

    Returns:
        The snapshot's id.

    Raises:
        InputError: When there is no such file or it is no bundle.
        Hostile: When it tries what a bundle must not.
        NotTrusted: When its signer is not known, and the answer was no.
        Corrupt: When its bytes are not what their names say, or its signature or proof
            does not hold.
        Missing: When the snapshot names bytes that are not in it.
        StoreUnavailable: When the disk is full.
    """
    try:
        stream = source.open("rb")
    except OSError as error:
        raise InputError(
            f"{source} cannot be read: {error.strerror or error}.", hint="Check the file's name."
        ) from error
    with stream, disk_failures(f"Unpacking {source}"), _zip_failures(source):
        digest = "sha256:" + hashlib.file_digest(stream, "sha256").hexdigest()
        with zipfile.ZipFile(stream) as archive:
            snapshot = _take_in(workspace, archive, report, Asking(ask, tell))
    snapshot_id = record_id(snapshot)
    if not workspace.store.ledger.find(snapshot_id[7:]):
        came = Import(snapshot=snapshot_id, bundle=digest, created=now(), author=workspace.author)
        workspace.store.add(snapshot, after=[came])
    return snapshot_id


def is_file_name(reference: str) -> bool:
    """Say whether a person's word can only be a file's: it has a folder in it, or an ending."""
    return "/" in reference or reference.endswith((".mlops", ".zip"))


def is_bundle(path: Path) -> bool:
    """Say whether there is a file that begins as a bundle does."""
    try:
        if not path.is_file():
            return False
        with path.open("rb") as file:
            return file.read(len(_MAGIC)) == _MAGIC
    except OSError:
        return False


@contextmanager
def _zip_failures(source: Path) -> Iterator[None]:
    try:
        yield
    except _NO_ZIP as error:
        # A place before the file's beginning, which only a damaged zip names, is no valid argument.
        if isinstance(error, OSError) and error.errno != errno.EINVAL:
            raise
        raise Corrupt(
            f"{source} is not a whole bundle: {error}.", hint="Fetch or copy the file again."
        ) from error


def _take_in(
    workspace: Workspace, archive: zipfile.ZipFile, report: Report, asking: Asking
) -> Snapshot:
    members = _members(archive)
    snapshot_id = _read_manifest(archive)
    if snapshot_id not in members:
        raise _lacking(snapshot_id)
    record = _read_small(archive, members[snapshot_id])
    if digest_of(record) != snapshot_id:
        raise _altered(snapshot_id)
    snapshot = decode_as(record, Snapshot)
    small = {
        entry.filename: _read_small(archive, entry)
        for entry in archive.infolist()
        if entry.filename in _PLAIN or proof.KEY_RECORD.fullmatch(entry.filename)
    }
    check_seal(workspace, small, record, snapshot, asking)
    wanted = {blob.digest: blob for blob in named_blobs(snapshot)}
    unpacked = workspace.cache / "bundles"
    unpacked.mkdir(parents=True, exist_ok=True)
    with drafts(unpacked) as held, workspace.store.blobs.batch() as writer:
        for number, blob in enumerate(wanted.values()):
            report(Progress("bundle", blob.digest[7:19], number, len(wanted)))
            entry = members.get(blob.digest)
            if entry is None or entry.file_size != blob.size:
                raise _lacking(blob.digest)
            copy = held / str(number)
            _extract(archive, entry, blob, copy)
            for tree in snapshot.trees:
                if tree.manifest.digest == blob.digest and blob.size <= LARGEST:
                    decode_manifest(tree, copy.read_bytes())
            writer.put_file(copy)
            copy.unlink()
    return snapshot


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Check every name and size before a byte is unpacked."""
    members: dict[str, zipfile.ZipInfo] = {}
    names = set()
    for entry in archive.infolist():
        found = _OBJECT.fullmatch(entry.filename)
        known = entry.filename in _PLAIN or proof.KEY_RECORD.fullmatch(entry.filename)
        if entry.filename in names or (found is None and not known):
            raise Hostile(
                f"The bundle holds {entry.filename!r}, which has no place in a bundle.",
                hint="Do not use this file; ask its sender how it was made.",
            )
        names.add(entry.filename)
        if entry.file_size > _RATIO * max(entry.compress_size, 1) + _SMALL:
            raise Hostile(
                f"{entry.filename!r} would unpack to {entry.file_size:,} bytes from "
                f"{entry.compress_size:,}: that is a bomb, not data.",
                hint="Do not use this file; ask its sender how it was made.",
            )
        if found:
            if not found[2].startswith(found[1]) or entry.compress_type not in _METHODS:
                raise _altered("sha256:" + found[2])
            members["sha256:" + found[2]] = entry
    return members


def _read_manifest(archive: zipfile.ZipFile) -> str:
    try:
        manifest = json.loads(_read_small(archive, archive.getinfo(MANIFEST)))
        snapshot_id, number = manifest["snapshot"], manifest["format"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise Corrupt(
            f"The file has no readable {MANIFEST}, so it is no bundle.",
            hint="Make one with `mlops bundle`.",
        ) from error
    if number != FORMAT or not is_digest(snapshot_id):
        raise Corrupt(
            f"The bundle is of format {number!r}; this version reads format {FORMAT}.",
            hint="Use the version of this product it was made with, or a newer one.",
        )
    return str(snapshot_id)


def _read_small(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    with archive.open(entry) as stream:
        data = stream.read(_LARGEST_RECORD + 1)
    if len(data) > _LARGEST_RECORD:
        raise Hostile(
            f"{entry.filename!r} is too large for a record.",
            hint="Do not use this file; ask its sender how it was made.",
        )
    return data


def _extract(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, blob: Blob, target: Path) -> None:
    """Unpack one object, never more than the record says it has."""
    found, left = hashlib.sha256(), blob.size
    with archive.open(entry) as source, target.open("wb") as sink:
        while chunk := source.read(_CHUNK):
            left -= len(chunk)
            if left < 0:
                raise _altered(blob.digest)
            found.update(chunk)
            sink.write(chunk)
    if left or "sha256:" + found.hexdigest() != blob.digest:
        raise _altered(blob.digest)


def _lacking(digest: str) -> Missing:
    return Missing(
        f"The bundle lacks object {digest[:19]}…, which its snapshot stands on.",
        hint="Ask its sender for it again.",
    )


def _altered(digest: str) -> Corrupt:
    return Corrupt(
        f"Object {digest[:19]}… of the bundle is not what its name says.",
        hint="The file was damaged or altered on the way: fetch it again, and do not use this one.",
    )
