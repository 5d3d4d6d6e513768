from __future__ import annotations

import msgspec

from py_mlops.records import Blob, Hole, MetricComparison
from py_mlops.report.lists import diff_page, files_page, log_page, status_page
from py_mlops.report.page import Line
from py_mlops.report.terminal import text
from tests.store.samples import digest, reproduction, snapshot

BLOB = Blob(digest=digest("b"), size=1)
SNAPSHOT = snapshot(history=BLOB, lock=BLOB)


def again(name: str, rerun: float) -> MetricComparison:
    """Return what a rerun got."""
    return MetricComparison(
        name=name, recorded=0.96875, rerun=rerun, tolerance=0.02, relative=False, band=[],
        state="close",
    )  # fmt: skip


def test_the_log_is_a_table_with_the_newest_verdict() -> None:
    """Id, model, moment, author, metrics, and whether it was ever rerun."""
    verdict = msgspec.structs.replace(
        reproduction(digest(1)), level="within tolerance", metrics=[again("accuracy", 0.96)]
    )
    bare = msgspec.structs.replace(SNAPSHOT, metrics={})
    page = log_page(
        [(digest(1), SNAPSHOT, verdict), (digest(2), bare, None)],
        None,
        "More: …",
        heads={digest(2): ("digits@main", "digits@ann")},
    )
    [section] = page.sections
    assert section.rows == (
        (
            digest(1)[7:19], "digits", "2026-01-31 12:00", "Ann",
            "accuracy 0.9688 (rerun 0.96)", "", "within tolerance",
        ),
        (
            digest(2)[7:19], "digits", "2026-01-31 12:00", "Ann", "—", "digits@main, digits@ann",
            "never rerun",
        ),
    )  # fmt: skip
    assert section.states == ("warn", "")
    assert len(section.columns) == 7
    assert (page.heading, page.badge, page.hints) == ("Snapshots", "2 shown", ("More: …",))


def test_an_empty_log_says_how_to_begin() -> None:
    """Nobody is left before an empty table."""
    page = log_page([], "digits", "")
    assert page.heading == "Snapshots of digits"
    assert "%mlops snapshot" in page.summary
    assert page.hints == ()


def test_status_tells_what_stands_in_the_way() -> None:
    """Before anything is stored: counts, files, holes, and how to keep it."""
    hole = Hole(kind="data", text="It is lost.", hint="Do this.", cell=1, blocking=True)
    facts = [Line("Python", "3.11.7")]
    page = status_page([("a.csv", "input", "7", "[1]", "audit-hook")], [hole], 1, facts, "watched")
    assert (page.badge, page.state) == ("1 in the way of a rerun", "bad")
    assert page.summary.startswith("1 cell executed, 1 source seen")
    assert "It is lost." in text(page)
    assert "%mlops snapshot" in page.hints[0]
    calm = status_page([], [], 3, facts, "observed")
    assert (calm.badge, calm.state) == ("ready", "good")
    assert calm.summary.startswith("3 cells executed, 0 sources seen")


def test_a_diff_shows_how_metrics_moved() -> None:
    """The difference with its sign; none where one side has no such metric."""
    metrics = {"accuracy": (0.5, 0.75), "loss": (None, 2.0), "old": (1.0, None)}
    page = diff_page(("aaaa", "bbbb"), metrics, {"Data": ["+ a.csv (input)"], "Program": []})
    assert page.sections[0].rows == (
        ("accuracy", "0.5", "0.75", "+0.25"), ("loss", "—", "2", ""), ("old", "1", "—", ""),
    )  # fmt: skip
    assert page.sections[1].lines[0].text == "+ a.csv (input)"
    assert page.sections[2].lines[0].text == "no change"
    assert (page.heading, page.badge) == ("aaaa → bbbb", "changed")


def test_a_metric_alone_makes_a_difference() -> None:
    """Two runs of the same code that came out otherwise are not the same."""
    assert diff_page(("a", "b"), {"m": (1.0, 2.0)}, {"Data": []}).badge == "changed"
    assert diff_page(("a", "b"), {"m": (1.0, 1.0)}, {"Data": []}).badge == "same"


def test_a_file_whose_name_has_a_newline_is_one_file() -> None:
    """No name can pass for two."""
    shown = text(files_page("out", ["a\nb.csv", "c.csv"]))
    assert "2 files" in shown
    assert "a\\nb.csv" in shown
