"""A store of very many snapshots, made quickly, for what must stay quick where there is much."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from nbformat.v4 import new_code_cell, new_notebook, new_output, writes

from py_mlops.records import (
    Author,
    Blob,
    HeadMove,
    Hole,
    Level,
    Reproduction,
    Snapshot,
    encode,
    record_id,
)
from py_mlops.store import Store
from py_mlops.store.store import Act, entry_of
from tests.store.samples import ANN, reproduction, snapshot

SNAPSHOTS, MODELS = 10_000, 200
_BATCH = 1000
_START = datetime(2026, 1, 1, 8, tzinfo=UTC)
_LEVELS: tuple[Level, ...] = ("identical", "equivalent", "different", "failed")


def snapshots(history: Blob, lock: Blob, count: int, models: int) -> Iterator[Snapshot]:
    """Yield snapshots of some models in turn: another minute, author and metric each time."""
    for number in range(count):
        made = snapshot(f"model-{number % models:03}", history=history, lock=lock)
        hole = Hole(kind="data", text="A file is gone.", hint="", cell=1, blocking=True)
        yield replace(
            made,
            created=f"{_START + timedelta(minutes=number):%Y-%m-%dT%H:%M:%S.%f}Z",
            author=Author(name=f"Person {number % 7}", email=ANN.email, source=ANN.source),
            program=replace(made.program, notebook=f"/data/ann/notebook-{number % 90}.ipynb"),
            metrics={"accuracy": 0.5 + number % 997 / 2000, "loss": number % 31 / 10},
            capture=replace(made.capture, holes=[hole] if number % 5 == 0 else []),
        )


def verdicts(taken: Iterable[Snapshot]) -> Iterator[Reproduction]:
    """Yield a verdict on every third of some snapshots."""
    for number, one in enumerate(taken):
        if number % 3 == 0:
            level = _LEVELS[number // 3 % len(_LEVELS)]
            yield replace(
                reproduction(record_id(one)), level=level, created=one.created, reason="As told."
            )


def moves(taken: Iterable[Snapshot]) -> Iterator[HeadMove]:
    """Yield the move of each model's head to its newest snapshot."""
    newest = {one.request.name: one for one in taken}
    for name, one in newest.items():
        yield HeadMove(
            head=f"{name}@main", previous=None, target=record_id(one), author=ANN,
            created=one.created, reason="",
        )  # fmt: skip


def stock(store: Store, count: int = SNAPSHOTS, models: int = MODELS) -> None:
    """Fill a store with snapshots, heads and verdicts, in batches."""
    history, lock = store.blobs.put_bytes(b"{}"), store.blobs.put_bytes(b"lock")
    taken = list(snapshots(history, lock, count, models))
    acts: list[Act] = [*taken, *verdicts(taken)]
    for start in range(0, len(acts), _BATCH):
        batch = acts[start : start + _BATCH]
        with store.blobs.batch() as writer:
            entries = [entry_of(one, writer.put_bytes(encode(one)).digest) for one in batch]
        store.ledger.append(entries)
    for move in moves(taken):
        store.add(move)


def notebook(sources: Iterable[str], ids: str = "cell") -> bytes:
    """Return a notebook whose cells each printed a line; their ids begin with a word."""
    cells = [
        new_code_cell(
            source,
            id=f"{ids}-{place}",
            execution_count=place + 1,
            outputs=[new_output("stream", name="stdout", text=f"step {place}\n")],
        )
        for place, source in enumerate(sources)
    ]
    return str(writes(new_notebook(cells=cells))).encode()


def with_notebook(store: Store, name: str, sources: Iterable[str], ids: str = "cell") -> str:
    """Add a snapshot that has a saved notebook of such cells; return its id."""
    history, lock = store.blobs.put_bytes(b"{}"), store.blobs.put_bytes(b"lock")
    made = snapshot(name, history=history, lock=lock)
    saved = store.blobs.put_bytes(notebook(sources, ids))
    program = replace(made.program, notebook=f"/data/ann/{name}.ipynb", saved=saved)
    store.add(replace(made, program=program))
    return record_id(replace(made, program=program))


def cell(number: int, *, changed: bool = False) -> str:
    """Return a cell's source of a few lines."""
    factor = "3 * " if changed else ""
    return (
        f"table_{number} = load('part-{number}.csv')\n"
        f"score_{number} = {factor}table_{number}.mean()\n"
        f"print(score_{number})"
    )
