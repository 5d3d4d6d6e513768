"""Witness: hand the log's newest checkpoint to somebody else, and compare the log with one."""

from __future__ import annotations

import os
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from py_mlops.commands.upkeep.signatures import log_keys
from py_mlops.errors import Corrupt, InputError, StoreError
from py_mlops.signing.note import ORIGIN, Checkpoint, Note, NoteError, parse, signers, text_of
from py_mlops.store import Store
from py_mlops.store.blobs.intake import sync_folder
from py_mlops.store.failures import disk_failures
from py_mlops.store.ledger.merkle import verify_consistency
from py_mlops.workspace import Workspace

_LARGEST = 1 << 20
_SECONDS = 60


@dataclass(frozen=True)
class Witnessed:
    """A checkpoint that lies outside of the store now.

    Attributes:
        file: Where.
        size: How many rows it is of.
        root: Their Merkle tree hash, hexadecimal.
        signer: Who signed it; empty when nobody did.
        commit: The commit that holds it; empty when it is just a file.
    """

    file: str
    size: int
    root: str
    signer: str
    commit: str = ""


def witness(
    workspace: Workspace, *, file: Path | None = None, repository: Path | None = None
) -> Witnessed:
    """Write the newest checkpoint where whoever could alter the store cannot alter it.

    A checkpoint that is there already is replaced only when the log proves to
    extend it, so that one file is enough.

    Args:
        workspace: The store, and who signs.
        file: The file to write.
        repository: A git repository to commit it to, instead.

    Returns:
        What was written.

    Raises:
        InputError: When the store is empty, or there is something else.
        Corrupt: When the log does not extend what is there.
        StoreUnavailable: When the file cannot be written.
    """
    store = workspace.store
    target = file or _file_in(repository or Path(), store)
    size = store.ledger.size()
    if size == 0:
        raise InputError(
            "The store has no rows yet, so there is nothing to witness.",
            hint="Take a snapshot first.",
        )
    checkpoint = Checkpoint(ORIGIN + store.ledger.name(), size, store.ledger.root(size))
    _check_present(store, target)
    signer = workspace.signer
    text = text_of(checkpoint)
    line = signer.sign_text(text) if signer else ""
    _replace(target, f"{text}\n{line}".encode())
    commit = _commit(target, size) if repository else ""
    name = signer.name if signer and line else ""
    return Witnessed(str(target), size, checkpoint.root.hex(), name, commit)


def read_witness(file: Path) -> Note:
    """Read a checkpoint from a file.

    Raises:
        InputError: When there is none in it.
    """
    try:
        with file.open("rb") as stream:
            return parse(stream.read(_LARGEST))
    except (OSError, NoteError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise InputError(
            f"{file} holds no signed checkpoint: {why}.",
            hint="Name a file that `mlops witness` has written.",
        ) from error


def compare(store: Store, note: Note) -> Iterator[str]:
    """Yield a sentence for each way in which the log does not extend a witnessed checkpoint.

    Args:
        store: The store; its log is audited elsewhere, from the leaves up.
        note: What was witnessed.
    """
    seen = note.checkpoint
    try:
        if seen.origin != ORIGIN + store.ledger.name():
            yield (
                f"The witnessed checkpoint is of {seen.origin}, but this store is "
                f"{ORIGIN}{store.ledger.name()}: it is another one, or it was made anew."
            )
            return
        signers(note, log_keys(store))
        size = store.ledger.size()
        if size < seen.size:
            rows = (
                f"rows {size} to {seen.size - 1} are" if seen.size - size > 1 else f"row {size} is"
            )
            yield f"The log has {size} rows, but {seen.size} were witnessed: {rows} missing."
            return
        proof = store.ledger.consistency(seen.size, size)
        if not verify_consistency(seen.size, size, seen.root, store.ledger.root(size), proof):
            yield (
                f"The first {seen.size} rows of the log are not those that were witnessed: "
                "at least one of them was altered, removed, put in or moved."
            )
    except NoteError as error:
        yield f"The witnessed checkpoint is not to be believed: {error}."
    except StoreError as error:
        yield error.message


def is_signed_by_known(store: Store, note: Note) -> bool:
    """Say whether a key that the store knows has signed a checkpoint."""
    try:
        return bool(signers(note, log_keys(store)))
    except (NoteError, StoreError):
        return False


def _check_present(store: Store, target: Path) -> None:
    if not target.exists():
        return
    wrong = next(compare(store, read_witness(target)), None)
    if wrong is not None:
        raise Corrupt(
            f"{target} was not replaced, because the store does not extend it. {wrong}",
            hint="Look into it with `mlops verify --against` and keep that file; "
            "write the new checkpoint to another one.",
        )


def _replace(target: Path, data: bytes) -> None:
    """Write a file whole; the one that is there stays until the new one is durable."""
    if not target.parent.is_dir():
        raise InputError(f"There is no folder {target.parent}.", hint="Make it first.")
    draft = target.with_name(f".{target.name}-{secrets.token_hex(8)}")
    with disk_failures(f"Writing {target}"):
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
            sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)


def _file_in(repository: Path, store: Store) -> Path:
    if not (repository / ".git").exists():
        raise InputError(
            f"{repository} is no git repository.", hint="Make one: git init; or name its folder."
        )
    return repository / f"{re.sub('[^0-9a-f]', '', store.ledger.name())}.checkpoint"


def _commit(file: Path, size: int) -> str:
    """Commit a file by itself, and return the commit."""
    git = ["git", "-C", str(file.parent)]
    said = f"py-mlops: the ledger has {size} rows"
    for words in (
        ["add", "--", file.name],
        ["commit", "--quiet", "--allow-empty", "-m", said, "--", file.name],
    ):
        _run([*git, *words])
    return _run([*git, "rev-parse", "HEAD"]).strip()


def _run(words: list[str]) -> str:
    try:
        done = subprocess.run(words, capture_output=True, text=True, timeout=_SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise InputError(f"git could not be run: {error}.", hint="Install git.") from error
    if done.returncode:
        why = (done.stderr or done.stdout).strip().splitlines()
        raise InputError(
            f"git refused: {why[-1] if why else 'without a word'}.",
            hint="Put that right and witness again; the checkpoint's file is written.",
        )
    return done.stdout
