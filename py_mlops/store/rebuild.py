"""Makes a lost ledger anew from the objects: what the checkpoints prove, and what nothing does."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import pairwise

from py_mlops.errors import Corrupt, HeadMoved, InputError, StoreError
from py_mlops.records import Checkpoint, HeadMove, History, decode
from py_mlops.store.base import Blobs, Mark, Row
from py_mlops.store.checkpoints import WIDTH, export
from py_mlops.store.ledger import merkle
from py_mlops.store.ledger.ledger import SqlLedger
from py_mlops.store.ledger.schema import leaf_data
from py_mlops.store.store import Act, entry_of, move_of

_LARGEST_RECORD = 1 << 28


@dataclass
class Survey:
    """What lies among the objects.

    Attributes:
        checkpoints: The checkpoints, by id.
        acts: The time of every record that may have a row, by id.
        moves: Which of them move heads.
        damaged: Objects that are not what their names say.
    """

    checkpoints: dict[str, Checkpoint] = field(default_factory=dict)
    acts: dict[str, str] = field(default_factory=dict)
    moves: set[str] = field(default_factory=set)
    damaged: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Rebuilt:
    """What came of it.

    Attributes:
        rows: Rows that stand where they stood, as a checkpoint's root proves.
        entered: Records entered after them, which nothing says the place of.
        heads: Every head, and what it points at.
        unknown: A sentence for each thing that cannot be known.
    """

    rows: int
    entered: int
    heads: dict[str, str]
    unknown: tuple[str, ...]


def rebuild(blobs: Blobs, ledger: SqlLedger) -> Rebuilt:
    """Fill a ledger from the objects.

    Rows are entered in the order of the largest checkpoint; those of which it
    lacks no record are proven by its root. A head moves only as a checkpoint
    has it: any file can look like a head's move. What else looks like a record
    is entered at the end, so that it is not garbage.

    Args:
        blobs: The objects.
        ledger: An empty ledger, or what an interrupted rebuilding has filled.

    Returns:
        What is known again, and what is not.

    Raises:
        InputError: When the ledger has rows that do not belong there.
        StoreUnavailable: When it cannot be written.
    """
    found = survey(blobs)
    chain, proven = _best(blobs, found)
    rows = [identifier for part in proven for identifier in part.records]
    _check_beginning(ledger, rows)
    if proven:
        ledger.adopt(proven[-1].store)
    for identifier in rows:
        act = _act(blobs, identifier)
        ledger.append([entry_of(act, identifier)], move_of(act))
    ledger.enter(one for part in proven for one in part.signatures)
    for part, identifier in zip(proven, _ids(found, proven), strict=True):
        if part.size % WIDTH == 0 or part is proven[-1]:
            ledger.note(Mark(part.size, identifier), every=WIDTH)
    entered = set(rows) | _enter_unproven(blobs, ledger, found, chain, set(rows))
    export(blobs, ledger)
    lineage = ledger.lineage(blobs)
    lineage.forget()
    lineage.catch_up()
    unknown = tuple(_unknown(found, chain, rows, entered))
    return Rebuilt(len(rows), len(entered) - len(rows), ledger.heads(), unknown)


def survey(blobs: Blobs) -> Survey:
    """Look at every object; data is not read further than to see that it is no record."""
    found = Survey()
    for blob in blobs:
        if blob.size > _LARGEST_RECORD or not _may_be_record(blobs, blob.digest):
            continue
        try:
            data = blobs.read(blob.digest)
        except Corrupt:
            found.damaged.append(blob.digest)
            continue
        try:
            record = decode(data)
        except Corrupt:
            continue  # other JSON
        if isinstance(record, Checkpoint):
            found.checkpoints[blob.digest] = record
        elif not isinstance(record, History):
            found.acts[blob.digest] = record.created
            if isinstance(record, HeadMove):
                found.moves.add(blob.digest)
    return found


def _may_be_record(blobs: Blobs, digest: str) -> bool:
    with blobs.open(digest) as file:
        return file.read(2) == b'{"'


def _best(blobs: Blobs, found: Survey) -> tuple[list[Checkpoint], list[Checkpoint]]:
    """Return the largest chain that is proven whole, else the one most of which is."""
    best: tuple[list[Checkpoint], list[Checkpoint]] = [], []
    for chain in _chains(found):
        proven = _proven(blobs, chain)
        if not best[0] or _size(proven) > _size(best[1]):
            best = chain, proven
        if len(proven) == len(chain):
            break
    return best


def _size(chain: Sequence[Checkpoint]) -> int:
    return chain[-1].size if chain else 0


def _chains(found: Survey) -> Iterator[list[Checkpoint]]:
    """Yield each checkpoint with all before it, the first one first; the largest chain first."""
    for last in sorted(found.checkpoints.values(), key=lambda one: -one.size):
        chain = [last]
        while (previous := found.checkpoints.get(chain[0].previous or "")) is not None:
            if previous.size >= chain[0].size or previous.store != last.store:
                break
            chain.insert(0, previous)
        sizes = [0, *(part.size for part in chain)]
        lengths = [end - start for start, end in pairwise(sizes)]
        if chain[0].previous is None and lengths == [len(part.records) for part in chain]:
            yield chain


def _ids(found: Survey, chain: Sequence[Checkpoint]) -> list[str]:
    ids = {id(checkpoint): identifier for identifier, checkpoint in found.checkpoints.items()}
    return [ids[id(part)] for part in chain]


def _proven(blobs: Blobs, chain: Sequence[Checkpoint]) -> list[Checkpoint]:
    """Return the first checkpoints of a chain, as far as the records give their roots."""
    nodes: dict[tuple[int, int], bytes] = {}

    def node(level: int, index: int) -> bytes:
        return nodes[level, index]

    proven: list[Checkpoint] = []
    for part in chain:
        start = part.size - len(part.records)
        for seq, identifier in enumerate(part.records, start=start):
            try:
                act = _act(blobs, identifier)
            except StoreError:
                return proven
            row = Row(**vars(entry_of(act, identifier)), seq=seq, move=move_of(act))
            leaf = merkle.leaf_hash(leaf_data(row))
            for level, index, digest in merkle.completed(seq, leaf, node):
                nodes[level, index] = digest
        if part.root != f"sha256:{merkle.root(part.size, node).hex()}":
            return proven
        proven.append(part)
    return proven


def _enter_unproven(
    blobs: Blobs, ledger: SqlLedger, found: Survey, chain: Sequence[Checkpoint], rows: set[str]
) -> set[str]:
    """Enter what the checkpoints list beyond a missing record, and then what they do not list."""
    listed = [one for part in chain for one in part.records if one not in rows]
    others = sorted(
        found.acts.keys() - rows - set(listed) - found.moves, key=found.acts.__getitem__
    )
    entered = set()
    for identifier in (*listed, *sorted(others, key=lambda one: (found.acts[one], one))):
        if identifier not in found.acts:
            continue
        act = _act(blobs, identifier)
        with suppress(HeadMoved):  # the move before it is lost
            ledger.append([entry_of(act, identifier)], move_of(act))
            entered.add(identifier)
    return entered


def _act(blobs: Blobs, identifier: str) -> Act:
    record = decode(blobs.read(identifier))
    if isinstance(record, Checkpoint | History):
        raise Corrupt(
            f"{identifier} is of no kind that has a row in the ledger.",
            hint="Restore the objects from a backup.",
        )
    return record


def _check_beginning(ledger: SqlLedger, rows: Sequence[str]) -> None:
    present = [row.record for row, _ in ledger.salvage()]
    if present != list(rows[: len(present)]):
        raise InputError(
            f"The ledger is not empty: it has {len(present)} rows, which are not the first of "
            "those that are to be entered.",
            hint="Name a new, empty database in the store's address (`createdb` on the server).",
        )


def _unknown(
    found: Survey, chain: Sequence[Checkpoint], rows: Sequence[str], entered: set[str]
) -> Iterator[str]:
    for digest in sorted(found.damaged):
        yield f"The object {digest} is damaged; if it was a record, it is lost."
    listed = [one for part in chain for one in part.records]
    largest = max((one.size for one in found.checkpoints.values()), default=0)
    if not found.checkpoints:
        yield "There is no checkpoint: the order of the records and the heads are not known."
    if largest > len(listed):
        yield f"A checkpoint of {largest} rows is of no use: one before it is missing or damaged."
    for seq, identifier in enumerate(listed):
        if identifier not in found.acts:
            yield f"Row {seq} is lost: its record {identifier} is missing or damaged."
    if len(rows) < len(listed):
        yield (
            f"Only the first {len(rows)} rows are proven; the others stand in the order of the "
            f"checkpoint of {len(listed)} rows, but have moved up or do not give its root."
        )
    if more := len(entered - set(listed)):
        yield (
            f"{more} records stand in no checkpoint. They were entered at the end in the order of "
            "their times; whether the log had them, and where, is not known."
        )
    for identifier in sorted(found.moves - entered):
        yield (
            f"The head's move {identifier} was not repeated: no checkpoint has it, "
            "or one before it is lost."
        )
