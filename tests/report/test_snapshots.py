from __future__ import annotations

from typing import Any

import msgspec
import pytest

from py_mlops.records import (
    ArraySpec,
    Artifact,
    Blob,
    Capture,
    DataFile,
    Difference,
    Distribution,
    Holdout,
    Hole,
    MetricComparison,
    Model,
    Prediction,
    Snapshot,
    record_id,
)
from py_mlops.report.page import Line, Page, Section
from py_mlops.report.snapshots import author_text, holes_section, snapshot_page
from py_mlops.report.state import verdict_state
from tests.store.samples import digest, reproduction, snapshot

BLOB = Blob(digest=digest("b"), size=2048)
ID = digest("snapshot")


def changed(**parts: Any) -> Snapshot:
    """Return a small snapshot with some parts replaced."""
    return msgspec.structs.replace(snapshot(history=BLOB, lock=BLOB), **parts)


def titled(page: Page, title: str) -> Section:
    """Return a page's section."""
    return next(section for section in page.sections if section.title == title)


def line(section: Section, label: str) -> Line:
    """Return a section's line."""
    return next(one for one in section.lines if one.label == label)


def file(number: int = 1, **parts: Any) -> DataFile:
    """Return a file that a program read."""
    known: dict[str, Any] = {
        "path": f"/p/{number}.csv", "requested": f"{number}.csv", "role": "input",
        "rewritten": False, "cell": 3, "observed": "audit-hook", "process": "",
            "modified": "", "executable": False, "blobs": [BLOB],
    }  # fmt: skip
    return DataFile(**{**known, **parts})


def hole(*, blocking: bool, cell: int = 0) -> Hole:
    """Return a hole."""
    text = "It is lost." if blocking else "It is doubtful."
    return Hole(kind="data", text=text, hint="Do this.", cell=cell, blocking=blocking)


def test_the_head_says_what_when_and_by_whom() -> None:
    """Name, short id, moment in UTC and author; and how to retrain it."""
    page = snapshot_page(ID, changed())
    assert page.heading == f"digits  {ID[7:19]}"
    assert page.summary == "2026-01-31 12:00:00 UTC by Ann"
    assert page.hints == (f"Retrain it anywhere: mlops reproduce {ID[7:19]}",)
    assert (page.badge, page.state) == ("captured", "good")


def test_an_author_whom_nobody_verified_is_marked() -> None:
    """A login name is anybody's."""
    author = msgspec.structs.replace(changed().author, source="unverified")
    assert author_text(changed(author=author)) == "Ann (login name, unverified)"
    assert author_text(changed()) == "Ann"


def test_what_stops_someone_else_is_the_badge() -> None:
    """Serious holes come before the good news and before the lesser ones."""
    holes = [hole(blocking=False), hole(blocking=True, cell=4)]
    page = snapshot_page(
        ID,
        changed(
            capture=Capture(
                level="python-only", holes=holes, external=[], ignored=[], variables=[], secrets=[]
            )
        ),
    )
    assert (page.badge, page.state) == ("1 in the way of a rerun", "bad")
    told = titled(page, "What would stop someone else").lines
    assert [one.text for one in told] == [
        "python-only",
        "It is lost. (cell [4])",
        "It is doubtful.",
    ]
    assert [one.state for one in told] == ["", "bad", "warn"]
    assert told[1].details == ("→ Do this.",)


def test_without_holes_it_says_so() -> None:
    """Silence could mean that nobody looked."""
    assert "Nothing that we know of" in holes_section([], "observed").lines[-1].text


@pytest.mark.parametrize(
    ("level", "state"),
    [
        ("identical", "good"),
        ("equivalent", "good"),
        ("within tolerance", "warn"),
        ("different", "bad"),
        ("failed", "bad"),
        ("cannot", "bad"),
    ],
)
def test_a_verdict_on_it_is_the_badge(level: str, state: str) -> None:
    """Once it was rerun, that is the news."""
    verdict = msgspec.structs.replace(reproduction(ID), level=level)
    page = snapshot_page(ID, changed(), verdict)
    assert (page.badge, page.state) == (f"reproduced: {level}", state)
    assert verdict_state(level) == state


def test_model_and_held_out_inputs_are_told() -> None:
    """Class, formats, what runs code when loaded, size, shape and methods."""
    artifacts = [
        Artifact(format="skops", executes=False, untrusted=[], blob=BLOB),
        Artifact(format="pickle", executes=True, untrusted=[], blob=BLOB),
    ]
    spec = ArraySpec(shape=[360, 64], dtype="float64", columns=[])
    page = snapshot_page(
        ID,
        changed(
            model=Model(variable="clf", type="a.SVC", artifacts=artifacts, loaded_from="m.pkl"),
            holdout=Holdout(
                variable="X", spec=spec, inputs=BLOB,
                predictions=[Prediction(method="predict", spec=spec, blob=BLOB)],
            ),
            parameters={"rate": 0.5},
        ),
    )  # fmt: skip
    results = titled(page, "Results")
    assert titled(page, "Metrics").rows == (("accuracy", "0.96875"),)
    assert line(results, "rate").text == "0.5"
    assert line(results, "clf").text == "a.SVC — skops, pickle (runs code when loaded), 4.0 KiB"
    assert [one.text for one in results.lines if one.state == "warn"] == [
        "loaded from m.pkl, not trained here"
    ]
    assert line(results, "X").text == "360 × 64 held-out inputs, answers of predict"


def test_metrics_stand_beside_those_of_the_snapshot_before() -> None:
    """How each moved, and which are new."""
    before = changed(metrics={"accuracy": 0.9375, "gone": 1.0})
    page = snapshot_page(ID, changed(metrics={"accuracy": 0.96875, "loss": 2.0}), before=before)
    section = titled(page, "Metrics")
    assert section.columns == ("metric", "value", "before", "change")
    assert section.rows == (
        ("accuracy", "0.96875", "0.9375", "+0.0312"),
        ("loss", "2", "—", "new"),
    )


def test_once_rerun_metrics_stand_beside_those_of_the_rerun() -> None:
    """The claimed number, the rerun's, how far apart, and the outcome to the eye."""
    compared = MetricComparison(
        name="accuracy", recorded=0.96875, rerun=0.5, tolerance=0.02, relative=False, band=[],
        state="different",
    )  # fmt: skip
    verdict = msgspec.structs.replace(reproduction(ID), level="different", metrics=[compared])
    page = snapshot_page(ID, changed(), verdict, before=changed())
    section = titled(page, "Metrics")
    assert section.rows == (("accuracy", "0.96875", "0.5", "-0.469", "± 0.02", "different"),)
    assert section.states == ("bad",)
    assert page.hints[0] == f"The whole verdict: mlops show {record_id(verdict)[7:19]}"


def test_what_stops_a_rerun_stands_before_what_was_captured() -> None:
    """Nobody has to read to the end to learn that something is missing, and what to do."""
    capture = msgspec.structs.replace(changed().capture, holes=[hole(blocking=True)])
    page = snapshot_page(ID, changed(capture=capture))
    titles = [section.title for section in page.sections]
    assert titles.index("What would stop someone else") < titles.index("Data")
    assert page.hints[0].startswith("Mend what is in the way")


def test_a_model_that_could_not_be_stored_strikes_the_eye() -> None:
    """Its type is known, its bytes are not there."""
    model = Model(variable="clf", type="a.SVC", artifacts=[], loaded_from=None)
    told = line(titled(snapshot_page(ID, changed(model=model)), "Results"), "clf")
    assert (told.state, "could not be stored" in told.text) == ("bad", True)


def test_a_snapshot_of_nothing_says_so() -> None:
    """No metric, no model, no held-out inputs: there is nothing to judge a rerun by."""
    page = snapshot_page(ID, changed(metrics={}))
    assert titled(page, "Results").lines[0].state == "warn"


def test_files_are_a_table_and_many_are_counted() -> None:
    """Each with role, size, digest, cell and witness; what was not captured is said."""
    files = [file(0, rewritten=True), file(1, blobs=[]), *(file(n) for n in range(2, 43))]
    section = titled(snapshot_page(ID, changed(data=files)), "Data")
    assert section.rows[0] == (
        "0.csv", "input (rewritten)", "2.0 KiB", BLOB.digest[7:19], "[3]", "audit-hook",
    )  # fmt: skip
    assert section.rows[1][2:4] == ("not captured", "—")
    assert all(len(row) == len(section.columns) for row in section.rows)
    assert len(section.rows) == 40
    assert section.lines[0].text == "and 3 more files"
    assert "no file" in titled(snapshot_page(ID, changed()), "Data").lines[0].text


def test_the_program_is_told_with_its_differences() -> None:
    """How many cells of which notebook, and where the saved one is not what ran."""
    program = msgspec.structs.replace(
        changed().program, cells=1, notebook="/data/ann/a.ipynb", entry="notebook",
        differences=[Difference(kind="edited", cells=[2], text="Cell [2] was edited.")],
    )  # fmt: skip
    section = titled(snapshot_page(ID, changed(program=program)), "Program")
    assert section.lines[0].text.startswith("1 cell of /data/ann/a.ipynb")
    assert (section.lines[1].label, section.lines[1].state) == ("edited", "warn")
    console = titled(snapshot_page(ID, changed()), "Program")
    assert "a console session" in console.lines[0].text


def test_packages_that_are_pinned_are_counted() -> None:
    """Who reads it sees how much of the environment is exact."""
    pinned = Distribution(
        kept=None,
        tree=None,
        loaded="",
        name="a",
        version="1",
        source="index",
        wheel="a.whl",
        sha256="0" * 64,
        origin="",
    )
    unknown = msgspec.structs.replace(pinned, name="b", sha256=None)
    environment = msgspec.structs.replace(changed().environment, distributions=[pinned, unknown])
    section = titled(snapshot_page(ID, changed(environment=environment)), "Environment")
    assert line(section, "packages").text == "2, 1 of them pinned by their wheel's sha256"
    assert line(section, "machine").text.endswith("2 cores")
