from __future__ import annotations

import json

import pytest

from py_mlops.cli.output import Output
from py_mlops.errors import InputError
from py_mlops.progress import Progress
from py_mlops.report.page import Line, Page, Section


def page(text: str = "word") -> Page:
    """Return a page with one line."""
    return Page("Heading", "badge", "good", "", (Section("", (Line("", text),)),))


def out(*, as_json: bool = False, quiet: bool = False) -> Output:
    """Return what one invocation writes to."""
    return Output(as_json=as_json, quiet=quiet)


def test_a_person_gets_the_page_and_a_program_the_value(capsys: pytest.CaptureFixture[str]) -> None:
    """Never both, and nothing of either on stderr."""
    out().show(page, {"a": 1})
    shown = capsys.readouterr()
    assert "Heading" in shown.out
    assert "{" not in shown.out
    out(as_json=True).show(page, {"a": "ü"})
    told = capsys.readouterr()
    assert json.loads(told.out) == {"a": "ü"}
    assert "Heading" not in told.out
    assert shown.err == told.err == ""


def test_a_program_costs_no_page(capsys: pytest.CaptureFixture[str]) -> None:
    """What nobody looks at is not made."""

    def never() -> Page:
        raise AssertionError

    out(as_json=True).show(never, [])
    assert json.loads(capsys.readouterr().out) == []


def test_several_pages_are_one_value(capsys: pytest.CaptureFixture[str]) -> None:
    """A run that took two snapshots prints two pages, or one list."""
    out().show(lambda: [page("first"), page("second")], [1, 2])
    assert capsys.readouterr().out.count("Heading") == 2


def test_nan_never_reaches_a_program() -> None:
    """It is no JSON, and other readers stumble over it."""
    with pytest.raises(ValueError, match="JSON"):
        out(as_json=True).show(page, float("nan"))


def test_progress_goes_to_stderr_and_small_steps_are_told_once(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A thousand files are one line; a cell is a line when it begins."""
    shown = out(as_json=True)
    for number in range(1000):
        shown.progress(Progress("data", f"file {number}", number, 1000))
    shown.progress(Progress("environment", "Locking 3 packages"))
    shown.progress(Progress("cell", "import numpy\nmore", 0, 2))
    shown.progress(Progress("cell", "import numpy\nmore", 1, 2))
    told = capsys.readouterr()
    assert told.out == ""
    lines = told.err.splitlines()
    assert [line.split("  ")[-1] for line in lines] == [
        "file 0", "Locking 3 packages", "import numpy",
    ]  # fmt: skip
    assert "cell 1/2" in lines[2]


def test_quiet_is_quiet(capsys: pytest.CaptureFixture[str]) -> None:
    """No progress at all, but an error is still told."""
    shown = out(quiet=True)
    shown.progress(Progress("data", "a file"))
    shown.progress(Progress("cell", "x = 1", 0, 1))
    assert capsys.readouterr() == ("", "")
    shown.error(InputError("It is gone.", hint="Put it back."))
    assert "It is gone." in capsys.readouterr().err


def test_an_error_is_told_to_both(capsys: pytest.CaptureFixture[str]) -> None:
    """A program reads kind, message and hint on stdout; a person the same on stderr."""
    out(as_json=True).error(InputError("It is gone.", hint="Put it back."))
    told = capsys.readouterr()
    assert json.loads(told.out) == {
        "error": {"kind": "InputError", "message": "It is gone.", "hint": "Put it back."}
    }
    assert "It is gone." in told.err
    assert "→ Put it back." in told.err


@pytest.mark.parametrize(
    "evil", ["\x1b[2J", "\x9b31m", "a\rb", "\x07", "\u202ex", "[bold]x[/bold]", ":snake:", "[/]"]
)
def test_no_word_of_anybody_else_steers_the_terminal(
    evil: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Names in progress, hints and errors are shown as they are, controls as escapes."""
    shown = out()
    shown.progress(Progress("data", f"<{evil}>"))
    shown.progress(Progress("cell", f"<{evil}>", 0, 1))
    shown.hint(f"<{evil}>")
    shown.error(InputError(f"<{evil}>", hint=f"<{evil}>"))
    told = capsys.readouterr().err
    harmless = evil if evil.isprintable() else evil.encode("unicode_escape").decode()
    assert told.count(f"<{harmless}>") == 5
    assert all(letter.isprintable() or letter == "\n" for letter in told)
