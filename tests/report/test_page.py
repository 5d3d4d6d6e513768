from __future__ import annotations

import pytest

from py_mlops.report.page import counted, on_one_line, short, size, visible


@pytest.mark.parametrize(
    ("count", "noun", "says"),
    [
        (0, "file", "0 files"),
        (1, "file", "1 file"),
        (2, "loose module", "2 loose modules"),
        (1024, "hole", "1,024 holes"),
    ],
)
def test_one_thing_is_one_and_more_are_more(count: int, noun: str, says: str) -> None:
    """A count reads as a person would say it."""
    assert counted(count, noun) == says


@pytest.mark.parametrize(
    ("count", "says"),
    [
        (0, "0 bytes"),
        (1023, "1,023 bytes"),
        (1024, "1.0 KiB"),
        (1536, "1.5 KiB"),
        (3 << 20, "3.0 MiB"),
        (5 << 30, "5.0 GiB"),
        (2 << 50, "2,048.0 TiB"),
    ],
)
def test_a_size_is_told_in_the_unit_a_person_would_use(count: int, says: str) -> None:
    """Binary prefixes, from bytes to as large as it gets."""
    assert size(count) == says


def test_a_digest_is_short_for_a_person() -> None:
    """Twelve digits, with or without the algorithm's name."""
    assert short("sha256:" + "0123456789abcdef" * 4) == short("0123456789abcdef") == "0123456789ab"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain – ü 日本 👩‍🔬 \t tab", "plain – ü 日本 👩‍🔬 \t tab"),
        ("\x1b[31m", "\\x1b[31m"),
        ("\x9b31m", "\\x9b31m"),
        ("a\rb\x00", "a\\rb\\x00"),
        ("\u202egnp", "\\u202egnp"),
        ("\ud800", "\\ud800"),
        ("two\nlines", "two\nlines"),
    ],
)
def test_what_would_steer_is_shown_and_words_are_left_alone(text: str, shown: str) -> None:
    """Writing of every language passes; only what draws another page becomes an escape."""
    assert visible(text) == shown


def test_a_name_stays_on_one_line() -> None:
    """A newline in a name is shown as one."""
    assert on_one_line("a\nb\x1b") == "a\\nb\\x1b"
