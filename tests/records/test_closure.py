from __future__ import annotations

import msgspec

from py_mlops.records import Artifact, Blob, CodeFile, CodeVersion, DataFile, Model, Snapshot
from py_mlops.records.closure import named_blobs
from tests.store.samples import digest, imported, snapshot

HISTORY, LOCK = Blob(digest=digest("h"), size=1), Blob(digest=digest("l"), size=2)


def blob(name: str) -> Blob:
    """Return a blob of its own for each name."""
    return Blob(digest=digest(name), size=3)


def full() -> Snapshot:
    """Return a snapshot that names a blob in every part that can."""
    plain = snapshot(history=HISTORY, lock=LOCK, parents=(digest("parent"),))
    data = DataFile(
        path="/p/a.csv", requested="a.csv", role="input", rewritten=False, cell=1,
        observed="audit-hook", process="", modified="", executable=False,
        blobs=[blob("a1"), blob("a2")],
    )  # fmt: skip
    artifact = Artifact(format="pickle", executes=True, untrusted=[], blob=blob("model"))
    changes = {
        "data": [data, msgspec.structs.replace(data, path="/p/b.csv", blobs=[])],
        "model": Model(variable="clf", type="a.B", artifacts=[artifact], loaded_from=None),
        "program": msgspec.structs.replace(
            plain.program,
            saved=blob("saved"),
            modules=[
                CodeFile(
                    path="/p/m.py",
                    module="m",
                    executable=False,
                    blob=blob("code"),
                    versions=[CodeVersion(cell=1, modified="7", blob=blob("before"))],
                )
            ],
        ),
    }
    return msgspec.structs.replace(plain, **changes)


def test_every_blob_of_a_snapshot_is_named() -> None:
    """Lists of parts and parts of parts are followed; what is absent names nothing."""
    expected = [blob(name) for name in ("saved", "code", "before", "a1", "a2", "model")] + [
        HISTORY,
        LOCK,
    ]
    found = list(named_blobs(full()))
    assert sorted(one.digest for one in found) == sorted(one.digest for one in expected)


def test_a_parent_is_no_part_of_what_a_snapshot_stands_on() -> None:
    """A bundle of one snapshot does not drag its whole past along."""
    assert digest("parent") not in {one.digest for one in named_blobs(full())}


def test_a_blob_that_is_named_twice_comes_twice() -> None:
    """Whoever counts or checks decides about it."""
    assert list(named_blobs([HISTORY, [HISTORY]])) == [HISTORY, HISTORY]


def test_a_record_without_bytes_names_none() -> None:
    """An import points at a snapshot by its id alone."""
    assert list(named_blobs(imported(1))) == []
