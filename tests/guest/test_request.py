from __future__ import annotations

from typing import Any

import msgspec
import pytest

from py_mlops.guest.problem import Problem
from py_mlops.guest.request import LineParser, check_name, parse_snapshot
from py_mlops.records import Request


@pytest.mark.parametrize(
    ("line", "request_", "incomplete"),
    [
        ("digits", {"name": "digits"}, False),
        ("digits --model clf", {"name": "digits", "model": "clf"}, False),
        ("--model=clf digits", {"name": "digits", "model": "clf"}, False),
        ("digits --metric a --metric b", {"name": "digits", "metrics": ["a", "b"]}, False),
        ("digits --metric a,b --metric a", {"name": "digits", "metrics": ["a", "b"]}, False),
        (
            "digits --model clf --holdout X",
            {"name": "digits", "model": "clf", "holdout": "X"},
            False,
        ),
        ("'digits' --incomplete", {"name": "digits"}, True),
    ],
)
def test_a_line_becomes_a_request(line: str, request_: dict[str, Any], incomplete: bool) -> None:
    """What the words say, and nothing for what they leave out; it fits the record."""
    empty: dict[str, Any] = {"model": None, "metrics": [], "holdout": None}
    found = parse_snapshot(line)
    assert found.request == empty | request_
    assert found.incomplete is incomplete
    assert found.allow_secret == ""
    msgspec.convert(found.request, Request)


def test_a_line_may_ask_for_the_vault() -> None:
    """Wheels of everything are kept when the line says so."""
    assert parse_snapshot("digits --vault").vault
    assert not parse_snapshot("digits").vault


def test_a_reason_lets_a_secret_pass() -> None:
    """The reason is a sentence in quotes; without one the line is refused."""
    assert parse_snapshot("digits --allow-secret 'a public one'").allow_secret.startswith("a pub")
    with pytest.raises(Problem):
        parse_snapshot("digits --allow-secret")


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("", "name"),
        ("digits more", "more"),
        ("digits --holdout X", "--holdout needs --model"),
        ("digits --model", "--model"),
        ("digits --mod clf", "--mod"),
        ("digits --metrics a", "--metrics"),
        ("digits --help", "--help"),
        ("'digits", "quotation"),
        ("../digits", "'../digits'"),
    ],
)
def test_a_line_that_does_not_fit_is_told_with_the_usage(
    line: str, word: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The kernel never exits, nothing is printed behind the user's back, and a way on is shown."""
    with pytest.raises(Problem) as caught:
        parse_snapshot(line)
    assert word in caught.value.message
    assert caught.value.hint
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["a", "7", "digits-v2", "Iris_1.0", "x" * 100])
def test_names_of_models(name: str) -> None:
    """Letters, digits and three marks."""
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "..",
            ".hidden",
            "-x",
            "_x",
            "a/b",
            "a\\b",
            "a b",
            "a@main",
            "a\n",
            "ü",
            "x" * 101,
        ),
        *("a\0b", "<b>", "a:b", "\x1b[2J", "%2e%2e"),
    ],
)
def test_what_could_be_a_path_a_head_or_markup_is_no_name(name: str) -> None:
    """A name goes into heads, files and pages, so it is plain."""
    with pytest.raises(Problem, match="cannot be a model"):
        check_name(name)


def test_options_are_not_abbreviated() -> None:
    """A later option cannot change what a line of today means."""
    parser = LineParser("%mlops x", "%mlops x [--limit N]")
    parser.add_argument("--limit")
    with pytest.raises(Problem) as caught:
        parser.read("--lim 3")
    assert caught.value.hint == "Usage: %mlops x [--limit N]"
