"""Proof: what a bundle carries of a signed log, so that its snapshot's place there is checked."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from py_mlops.commands.upkeep.signatures import holds, public_keys, said_by
from py_mlops.errors import Corrupt
from py_mlops.records import (
    Author,
    HeadMove,
    LogSignature,
    PublicKey,
    Signature,
    decode_as,
    digest_of,
    encode,
)
from py_mlops.signing.note import ORIGIN, Checkpoint, decode_base64, line_of, parse, text_of
from py_mlops.signing.sshsig import allowed_signers, ed25519_of, read_armored
from py_mlops.signing.sshsig import armored as armor
from py_mlops.store import Row, Store
from py_mlops.store.ledger.merkle import leaf_hash, sides, verify_inclusion
from py_mlops.store.ledger.schema import leaf_data

FOLDER = "proof/"
ROW = "proof/row.json"
INCLUSION = "proof/inclusion.txt"
CHECKPOINT = "proof/checkpoint"
SEALED = "proof/checkpoint.sig"
NOTE = "proof/checkpoint.note"
SIGNER = "proof/signer"
ACT = "proof/head-move.json"
ACT_SEALED = "proof/head-move.json.sig"
ACT_SIGNER = "proof/head-move.signer"
KEYS = "keys/allowed_signers"
MEMBERS = frozenset(
    {ROW, INCLUSION, CHECKPOINT, SEALED, NOTE, SIGNER, ACT, ACT_SEALED, ACT_SIGNER, KEYS}
)
"""The members of a bundle that prove where its snapshot stands in the log."""

KEY_RECORD = re.compile(r"keys/[0-9a-f]{64}\.json")
"""A record of a key, under the digits of its id."""

_MOVES = 1000


@dataclass(frozen=True)
class Proven:
    """What a bundle's proof shows.

    Attributes:
        row: Who appended what and when, as the row's leaf data says.
        signed: The record of the key that signed the log with this row in it; ``None``
            when nobody did.
    """

    row: dict[str, object]
    signed: PublicKey | None


def proof_of(store: Store, snapshot_id: str) -> dict[str, bytes]:
    """Return the members that prove a snapshot's row.

    The proof is in the log as it was when the row was appended and signed, so
    that the same snapshot gives the same members later.

    Args:
        store: The store.
        snapshot_id: The snapshot's id.

    Returns:
        Bytes by name; nothing when the snapshot has no row.
    """
    rows = store.ledger.find(snapshot_id.removeprefix("sha256:"), 1)
    if not rows:
        return {}
    row = rows[0]
    signature = next(iter(store.ledger.signatures(row.seq)), None)
    size = signature.size if signature else row.seq + 1
    members = {
        ROW: leaf_data(row),
        INCLUSION: _path(row.seq, size, store.ledger.inclusion(row.seq, size)),
    }
    origin, root = ORIGIN + store.ledger.name(), store.ledger.root(size)
    keys = list(public_keys(store))
    used: list[PublicKey] = []
    if signature is None:
        members[CHECKPOINT] = text_of(Checkpoint(origin, size, root)).encode()
    else:
        text = said_by(signature, origin, root)
        members |= _signed(signature, text, keys, used)
    members |= _act(store, row, keys, used)
    if used:
        members[KEYS] = allowed_signers(used).encode()
        for key in used:
            data = encode(key)
            members[f"keys/{_hex(data)}.json"] = data
    return members


def key_members(key: PublicKey | None, members: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return the members that say whose a key is, added to those that are there."""
    if key is None:
        return {}
    there = keys_in(members)
    if any((one.key, one.name) == (key.key, key.name) for one in there):
        return {}
    data = encode(key)
    return {KEYS: allowed_signers([*there, key]).encode(), f"keys/{_hex(data)}.json": data}


def check_proof(members: Mapping[str, bytes], snapshot_id: str, author: Author) -> Proven | None:
    """Check the proof of a bundle, of which nothing is believed.

    Args:
        members: The bundle's small members, by name.
        snapshot_id: The snapshot it is about.
        author: The snapshot's author, as its record says.

    Returns:
        What it shows; ``None`` when there is none.

    Raises:
        Corrupt: When anything in it does not fit.
    """
    if ROW not in members:
        return None
    try:
        row = json.loads(members[ROW])
        text = members[CHECKPOINT].decode()
        checkpoint = parse(f"{text}\n".encode()).checkpoint
        path = list(_read_path(members[INCLUSION]))
        place = int(row["seq"])
        names = row["record"], row["author"]
    except (KeyError, TypeError, ValueError, RecursionError) as error:
        raise _wrong(f"it cannot be read ({type(error).__name__})") from error
    if names != (snapshot_id, author.name):
        raise _wrong("its row is another record's")
    leaf = leaf_hash(members[ROW])
    if not verify_inclusion(leaf, place, checkpoint.size, path, checkpoint.root):
        raise _wrong("its row is not in the log of its checkpoint")
    return Proven(row, _signer(members, text, checkpoint) if SEALED in members else None)


def keys_in(members: Mapping[str, bytes]) -> list[PublicKey]:
    """Return the records of keys that a bundle carries.

    Raises:
        Corrupt: When one is no such record.
    """
    return [decode_as(data, PublicKey) for name, data in members.items() if KEY_RECORD.match(name)]


def _signed(
    signature: LogSignature, text: bytes, keys: Iterable[PublicKey], used: list[PublicKey]
) -> dict[str, bytes]:
    for key in keys:
        public = ed25519_of(key.key)
        if key.use == "log" and key.name == signature.name and holds(signature, public, text):
            used.append(key)
            line = line_of(signature.name, signature.note)
            return {
                CHECKPOINT: text,
                SEALED: armor(public, decode_base64(signature.ssh)).encode(),
                NOTE: text + f"\n{line}".encode(),
                SIGNER: f"{key.name}\n".encode(),
            }
    raise Corrupt(
        f"The signature of {signature.name} over the row of this snapshot does not hold.",
        hint="Run `mlops verify` to see what was altered; the bundle was not written.",
    )


def _act(
    store: Store, row: Row, keys: Iterable[PublicKey], used: list[PublicKey]
) -> dict[str, bytes]:
    """Return the move of a head to the snapshot that somebody signed with an SSH key, if any."""
    for later in store.ledger.rows(row.seq):
        if later.seq > row.seq + _MOVES:
            break
        if later.move is None or later.move.target != row.record:
            continue
        for found in store.ledger.newest(kind="signature", subject=later.record, limit=1):
            signature = store.get_as(found.record, Signature)
            move = store.get_as(later.record, HeadMove)
            for key in keys:
                if (key.use, key.key, key.author) == ("act", signature.key, signature.author):
                    used.append(key)
                    return {
                        ACT: encode(move),
                        ACT_SEALED: signature.signature.encode(),
                        ACT_SIGNER: f"{key.name}\n".encode(),
                    }
    return {}


def _signer(members: Mapping[str, bytes], text: str, checkpoint: Checkpoint) -> PublicKey:
    try:
        note = parse(members[NOTE])
        public, ssh = read_armored(members[SEALED].decode())
    except (KeyError, ValueError) as error:
        raise _wrong(f"its signature cannot be read ({error})") from error
    for key in keys_in(members):
        if ed25519_of(key.key) != public or key.use != "log" or note.text != text:
            continue
        for name, identifier, signature in note.lines:
            said = LogSignature(
                size=checkpoint.size,
                appended=max(checkpoint.appended, 1),
                name=key.name,
                note=_base64(identifier + signature),
                ssh=_base64(ssh),
            )
            if name == key.name and holds(said, public, text.encode()):
                return key
    raise _wrong("its signature is by none of its keys")


def _path(seq: int, size: int, path: list[bytes]) -> bytes:
    lines = zip(sides(seq, size), path, strict=True)
    return "".join(f"{side} {digest.hex()}\n" for side, digest in lines).encode()


def _read_path(data: bytes) -> Iterator[bytes]:
    for line in data.decode("ascii").splitlines():
        yield bytes.fromhex(line.partition(" ")[2])


def _hex(data: bytes) -> str:
    return digest_of(data)[7:]


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _wrong(why: str) -> Corrupt:
    return Corrupt(
        f"The bundle's proof that its snapshot is in a log does not hold: {why}.",
        hint="The file was damaged or altered on the way: fetch it again, and do not use this one.",
    )
