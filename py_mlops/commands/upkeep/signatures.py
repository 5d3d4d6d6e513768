"""Signatures: who signed which rows of the log, whether that holds, and what nobody signed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from py_mlops.errors import Corrupt, Missing, StoreError
from py_mlops.records import Author, HeadMove, LogSignature, PublicKey, Signature, encode, is_digest
from py_mlops.records.base import Record
from py_mlops.signing import keygen
from py_mlops.signing.note import ORIGIN, Checkpoint, decode_base64, key_id, text_of, verifies
from py_mlops.signing.sshsig import ed25519_of, fingerprint, message
from py_mlops.store import Row, Store
from py_mlops.store.ledger.merkle import Frontier, leaf_hash
from py_mlops.store.ledger.schema import leaf_data
from py_mlops.workspace import CLOCKS_APART

_KEY_ID = 4


@dataclass
class Standing:
    """What the signatures of a store say.

    Attributes:
        wrong: A sentence for each thing that was altered or removed.
        notices: What a person should know although nothing was altered.
        rows: How many rows the log has.
        signed: Rows that somebody signed, by the record of their key.
        acts: How many single acts were signed with people's SSH keys.
    """

    wrong: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    rows: int = 0
    signed: dict[PublicKey, int] = field(default_factory=dict)
    acts: int = 0

    def told(self) -> list[str]:
        """Return a sentence for each signer, and one for what nobody signed."""
        lines = [
            f"{count:,} rows signed by {key.name} ({key.author.name}, {fingerprint(key.key)})"
            for key, count in self.signed.items()
        ]
        if unsigned := self.rows - sum(self.signed.values()):
            lines.append(f"{unsigned:,} rows that nobody signed")
        return lines


def examine(store: Store) -> Standing:
    """Check every signature over the log and every signed act.

    Args:
        store: The store; its rows and records are checked elsewhere.

    Returns:
        What the signatures say. Nothing is raised: what cannot be read is told.
    """
    walk = _Walk(store)
    try:
        walk.signatures = {one.size: one for one in store.ledger.signatures()}
        walk.origin = ORIGIN + store.ledger.name()
        for row, _ in store.ledger.salvage():
            walk.step(row)
    except StoreError as error:
        walk.standing.wrong.append(error.message)
    walk.end()
    return walk.standing


def log_keys(store: Store) -> dict[tuple[str, bytes], bytes]:
    """Return the announced keys for the log, by name and key id."""
    found = {}
    for key in public_keys(store):
        public = ed25519_of(key.key)
        if key.use == "log" and public:
            found[key.name, key_id(key.name, public)] = public
    return found


def public_keys(store: Store) -> Iterator[PublicKey]:
    """Iterate over the keys that were announced, the newest first, as far as they can be read."""
    before: int | None = None
    while rows := store.ledger.newest(kind="public-key", before=before):
        for row in rows:
            found = _read(store, row.record)
            if isinstance(found, PublicKey):
                yield found
        before = rows[-1].seq


def said_by(signature: LogSignature, origin: str, root: bytes) -> bytes:
    """Return the text that a signature over the log is of."""
    return text_of(Checkpoint(origin, signature.size, root, signature.appended)).encode()


def holds(signature: LogSignature, public: bytes, text: bytes) -> bool:
    """Say whether both forms of a signature are a key's, over a text."""
    identified = decode_base64(signature.note)
    return (
        identified[:_KEY_ID] == key_id(signature.name, public)
        and verifies(public, identified[_KEY_ID:], text)
        and verifies(public, decode_base64(signature.ssh), message(text))
    )


class _Walk:
    """Goes along the log and compares each row with who signed it."""

    def __init__(self, store: Store) -> None:
        self.standing = Standing()
        self.signatures: dict[int, LogSignature] = {}
        self.origin = ""
        self._store = store
        self._tree = Frontier()
        self._keys: dict[tuple[str, bytes], PublicKey] = {}
        self._personal: set[tuple[str, Author]] = set()  # keys for acts, and whose they are
        self._since: dict[str, tuple[int, PublicKey]] = {}  # whose key signs since which row
        self._imported: dict[str, str] = {}
        self._owed: dict[int, str] = {}  # rows to be signed, and by whom
        self._failed: list[LogSignature] = []
        self._good = 0
        self._latest: tuple[datetime, int] | None = None

    def step(self, row: Row) -> None:
        """Take in the next row."""
        wrong = self.standing.wrong
        try:
            self._tree.append(leaf_hash(leaf_data(row)))
        except (TypeError, ValueError):
            self._tree.append(b"")
        position = self._tree.size - 1
        actor = row.author
        if row.kind == "import":
            self._imported[row.subject] = row.author
        elif row.kind == "snapshot" and row.record in self._imported:
            actor = self._imported[row.record]
        elif row.kind in {"public-key", "signature"} and is_digest(row.record):
            record = _read(self._store, row.record)
            if isinstance(record, PublicKey):
                self._announce(position, record)
            elif isinstance(record, Signature):
                wrong.extend(self._act(position, record))
        if row.author == actor:
            self._clock(position, row)
        if actor in self._since:
            self._owed[position] = actor
        signature = self.signatures.get(self._tree.size)
        if signature is not None:
            self._verify(signature)

    def end(self) -> None:
        """Draw the conclusions."""
        wrong = self.standing.wrong
        self.standing.rows = self._tree.size
        for size in sorted(self.signatures):
            if size > self._tree.size:
                wrong.append(
                    f"{self.signatures[size].name} signed a log of {size} rows, but it has "
                    f"{self._tree.size}: rows {self._tree.size} to {size - 1} are missing."
                )
        later = [one for one in self._failed if one.size > self._good]
        for one in self._failed:
            if one.size < self._good:
                wrong.append(
                    f"The signature of {one.name} over the first {one.size} rows was altered: "
                    "the rows match later signatures, and not this one."
                )
        if later:
            first, more = later[0], len(later) - 1
            rest = f", and {more} later signatures do not match either" if more else ""
            wrong.append(
                f"The log is not what {first.name} signed when it had {first.size} rows: "
                f"{_rows(self._good, first.size - 1)}, or the signature, were altered since{rest}."
            )
        for actor, start, end in _runs(self._owed):
            since, key = self._since[actor]
            wrong.append(
                f"{_rows(start, end).capitalize()} of the log stand in the name of {actor}, whose "
                f"key {fingerprint(key.key)} signs since row {since}, but no such signature is on "
                "them."
            )

    def _announce(self, position: int, record: PublicKey) -> None:
        public = ed25519_of(record.key)
        if record.use == "act":
            self._personal.add((record.key, record.author))
        elif public:
            self._keys[record.name, key_id(record.name, public)] = record
            self._since.setdefault(record.author.name, (position, record))

    def _verify(self, signature: LogSignature) -> None:
        identifier = decode_base64(signature.note)[:_KEY_ID]
        key = self._keys.get((signature.name, identifier))
        if key is None:
            self.standing.wrong.append(
                f"The signature over the first {signature.size} rows is by {signature.name}, "
                "with a key that nobody has announced in the log before."
            )
            return
        text = said_by(signature, self.origin, self._tree.root())
        if not holds(signature, ed25519_of(key.key), text):
            self._failed.append(signature)
            return
        self._good = signature.size
        signed = self.standing.signed
        start = max(signature.size - signature.appended, 0)
        signed[key] = signed.get(key, 0) + signature.size - start
        for position in range(start, signature.size):
            if self._owed.get(position) == key.author.name:
                del self._owed[position]

    def _clock(self, position: int, row: Row) -> None:
        try:
            when = datetime.strptime(row.time, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
        except (TypeError, ValueError):
            return  # the log has said so
        if self._latest is not None and self._latest[0] - when > CLOCKS_APART:
            self.standing.notices.append(
                f"Row {position} of the log is dated {row.time[:16]}, earlier than row "
                f"{self._latest[1]} before it ({self._latest[0]:%Y-%m-%dT%H:%M}): a clock was "
                "set back, or one of the dates is not true."
            )
        self._latest = when, position

    def _act(self, position: int, record: Signature) -> Iterator[str]:
        self.standing.acts += 1
        who = f"Row {position}: the signature of {record.author.name} over {record.record[:19]}…"
        if not keygen.installed():
            self.standing.notices.append(f"{who} was not checked: there is no ssh-keygen here.")
            return
        try:
            signed = self._store.get(record.record)
        except (Missing, Corrupt):
            yield f"{who} is about a record that is missing or damaged."
            return
        if (record.key, record.author) not in self._personal:
            yield f"{who} is by a key that they have not announced in the log before."
        elif _author(signed) != record.author:
            yield f"{who} is about an act of somebody else."
        elif not keygen.verify(record.key, "signer", encode(signed), record.signature):
            yield f"{who} does not match that record: one of them was altered."


def _author(record: Record) -> object:
    return record.author if isinstance(record, HeadMove) else None


def _read(store: Store, identifier: str) -> Record | None:
    try:
        return store.get(identifier)
    except StoreError:
        return None  # said where the records are checked


def _rows(start: int, end: int) -> str:
    return f"row {start}" if end <= start else f"rows {start} to {end}"


def _runs(owed: dict[int, str]) -> Iterator[tuple[str, int, int]]:
    """Yield whose rows, from where to where, for each run of neighbours."""
    start = last = -2
    actor = ""
    for position, who in sorted(owed.items()):
        if position != last + 1 or who != actor:
            if start >= 0:
                yield actor, start, last
            start, actor = position, who
        last = position
    if start >= 0:
        yield actor, start, last
