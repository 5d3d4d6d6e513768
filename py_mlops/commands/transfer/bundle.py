"""Bundle: one file that holds a snapshot with all its bytes."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from py_mlops.commands.export import export
from py_mlops.commands.transfer.proof import key_members, proof_of
from py_mlops.errors import Corrupt, InputError, StoreUnavailable
from py_mlops.progress import Progress, Report, silent
from py_mlops.records import Snapshot, record_id
from py_mlops.records.closure import named_blobs
from py_mlops.store.blobs.intake import sync_folder
from py_mlops.workspace import Workspace

MANIFEST = "mlops-bundle.json"
LISTING = "SHA256SUMS"
SEAL = "SHA256SUMS.sig"
SEALER = "SHA256SUMS.signer"
README = "README.txt"
CRATE = "ro-crate-metadata.json"
FORMAT = 2
_EPOCH = (1980, 1, 1, 0, 0, 0)
_CHUNK = 1 << 20
_README_TEXT = """\
A snapshot of a model: its program, data, environment and results.

objects/     every file under the sha256 of its content
{manifest}       which object is the snapshot's record
{crate}  what the files are, as an RO-Crate tells it
proof/       the snapshot's row in its author's log, and who signed that
keys/        whose keys have signed, for ssh-keygen and as records
{listing}   check every file with: sha256sum --check {listing}
{seal}       who put this file together:
    ssh-keygen -Y verify -f keys/allowed_signers -I "$(cat {sealer})" \\
        -n py-mlops -s {seal} < {listing}

What is not there was not signed. docs/audit.md says how to check the rest by hand.
Retrain it with: mlops reproduce THIS-FILE
"""


def bundle(
    workspace: Workspace, snapshot_id: str, target: Path, *, report: Report = silent
) -> Path:
    """Write a snapshot with all its bytes into one file.

    The same snapshot gives the same bytes, in the same hands. Nothing is left at ``target`` when
    it fails.

    Args:
        workspace: Where the snapshot is.
        snapshot_id: Its whole id.
        target: The file to write; it must not exist yet.
        report: Told about progress.

    Returns:
        ``target``.

    Raises:
        InputError: When the file exists already.
        Corrupt, Missing: When stored bytes are damaged or gone.
        StoreUnavailable: When the file cannot be written.
    """
    snapshot = workspace.store.get_as(snapshot_id, Snapshot)
    if target.exists():
        raise InputError(f"{target} exists already.", hint="Choose another name or remove it.")
    digests = sorted({snapshot_id, *(blob.digest for blob in named_blobs(snapshot))})
    partial = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
    try:
        with partial.open("xb") as file:
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
                _write_plain(archive, _plain(workspace, snapshot, digests))
                for number, digest in enumerate(digests):
                    report(Progress("bundle", digest[7:19], number, len(digests)))
                    _write_object(workspace, archive, digest)
            file.flush()
            os.fsync(file.fileno())
        _publish(partial, target)
    except OSError as error:
        raise StoreUnavailable(
            f"{target} could not be written: {error.strerror or error}.",
            hint="Free some space or choose another folder; the store itself is unharmed.",
        ) from error
    finally:
        with suppress(OSError):  # what went wrong before says more
            partial.unlink(missing_ok=True)
    return target


def _publish(partial: Path, target: Path) -> None:
    """Give the whole file its name, durably or not at all."""
    partial.rename(target)
    try:
        sync_folder(target.parent)
    except OSError:
        target.unlink(missing_ok=True)
        raise


def _path(digest: str) -> str:
    return f"objects/{digest[7:9]}/{digest[7:]}"


def _plain(workspace: Workspace, snapshot: Snapshot, digests: Sequence[str]) -> dict[str, bytes]:
    """Return all members but the objects: functions of the snapshot, the log and who signs."""
    snapshot_id = record_id(snapshot)
    signer = workspace.signer
    members = proof_of(workspace.store, snapshot_id)
    own = signer.log_key(snapshot.created) if signer else None
    members |= key_members(own, members)
    members |= {
        MANIFEST: json.dumps({"format": FORMAT, "snapshot": snapshot_id}, indent=1).encode()
        + b"\n",
        CRATE: export(workspace, snapshot_id, "ro-crate", judged=False),
        README: _README_TEXT.format(
            listing=LISTING, manifest=MANIFEST, crate=CRATE, seal=SEAL, sealer=SEALER
        ).encode(),
    }
    if signer and own:
        members[SEALER] = f"{own.name}\n".encode()
    sums = {name: hashlib.sha256(data).hexdigest() for name, data in members.items()}
    sums |= {_path(digest): digest[7:] for digest in digests}
    listed = "".join(f"{sums[name]}  {name}\n" for name in sorted(sums)).encode()
    seal = signer.seal(listed).encode() if signer and own else b""
    return members | {LISTING: listed} | ({SEAL: seal} if seal else {})


def _entry(name: str) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    entry.external_attr = 0o644 << 16
    return entry


def _write_plain(archive: zipfile.ZipFile, members: Mapping[str, bytes]) -> None:
    for name in (MANIFEST, *sorted(members.keys() - {MANIFEST})):
        archive.writestr(_entry(name), members[name])


def _write_object(workspace: Workspace, archive: zipfile.ZipFile, digest: str) -> None:
    found = hashlib.sha256()
    entry = _entry(_path(digest))
    with (
        workspace.store.blobs.open(digest) as source,
        archive.open(entry, "w", force_zip64=True) as sink,
    ):
        while chunk := source.read(_CHUNK):
            found.update(chunk)
            sink.write(chunk)
    if found.hexdigest() != digest[7:]:
        raise Corrupt(
            f"Object {digest[:19]}… of the store is damaged, so the bundle was not written.",
            hint="Run `mlops verify` to see what it belongs to, and restore it from a backup.",
        )
