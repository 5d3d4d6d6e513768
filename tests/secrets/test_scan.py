from __future__ import annotations

import hashlib
import json

import pytest

from py_mlops.secrets.scan import LARGEST, MOST, Finding, Scan, Text, masked, scan
from tests.secrets.clean import SHOWN, SOURCES
from tests.secrets.planted import MIXED, made, planted

PLANTED = planted()


def looked(text: str, where: str = "source") -> Scan:
    """Look through one text, as code where people write it."""
    return scan([Text("cell [1]", text, "code" if where in {"source", "variables"} else "shown")])


def test_planted_secrets_are_found() -> None:
    """Of more than 60 secrets in code, outputs, SQL, requests and variables, 95 % are found."""
    assert len(PLANTED) >= 60
    assert {item.where for item in PLANTED} == {"source", "output", "sql", "http", "variables"}
    missed = [item.text for item in PLANTED if not looked(item.text, item.where).findings]
    assert len(missed) <= 0.05 * len(PLANTED), missed


def test_a_secret_is_never_repeated() -> None:
    """What is told of a secret are its first four characters at most, and of a short one none."""
    for item in PLANTED:
        told = " ".join(f"{one} {one!r}" for one in looked(item.text, item.where).findings)
        pieces = {item.secret[at : at + 5] for at in range(len(item.secret) - 4)}
        words = {piece for piece in pieces if piece.strip() in "BEGIN RSA PRIVATE KEY Private Key"}
        assert not [piece for piece in pieces - words if piece in told]


def test_ordinary_code_passes() -> None:
    """References to secrets, placeholders, prompts, digests and ids are no secrets."""
    assert len(SOURCES) >= 100
    assert [line for line in SOURCES if looked(line) != Scan()] == []


def test_ordinary_outputs_pass() -> None:
    """Tables, tokens of language, progress bars and errors are no secrets."""
    assert [line for line in SHOWN if looked(line, "output") != Scan()] == []


def test_where_and_what() -> None:
    """A finding names place, line and kind, and shows how a long secret begins."""
    key = "AKI" + "A" + made(MIXED.upper(), 16)
    found = scan([Text("cell [3]", f"import boto3\ns3 = connect('{key}')")]).findings
    assert found == [Finding("cell [3], line 2", "AWS Access Key", "AKIA…")]
    assert str(found[0]) == "cell [3], line 2: AWS Access Key AKIA…"


def test_each_secret_once() -> None:
    """A secret that several rules know is told once in a line, and again in each other place."""
    line = "openai.api_key = '" + "s" + "k-" + made(MIXED, 48) + "'"
    found = scan([Text("a", line + "\n" + line), Text("b", line)]).findings
    assert [one.place for one in found] == ["a, line 1", "a, line 2", "b, line 1"]


@pytest.mark.parametrize(
    "text",
    [
        "password = '{}'  # pragma: allowlist secret",
        "password = '{}'  # pragma: whitelist secret",
        "# pragma: allowlist nextline secret\npassword = '{}'",
        "PASSWORD '{}' -- pragma: allowlist secret",
    ],
)
def test_a_line_its_author_allows(text: str) -> None:
    """detect-secrets' comment lets a line of code pass, and that is told."""
    seen = looked(text.format("hunter" + "2"))
    assert (seen.findings, len(seen.allowed)) == ([], 1)


def test_an_output_cannot_allow_itself() -> None:
    """The comment counts where people write, not in what a program printed."""
    text = "password = '{}'  # pragma: allowlist secret".format("hunter" + "2")
    assert len(looked(text, "output").findings) == 1


def test_what_is_too_large_is_said() -> None:
    """The beginning of a giant text is looked through, and how much is left is told."""
    key = "gh" + "p_" + made(MIXED, 36)
    text = f"{key}\n".ljust(LARGEST, "x") + key
    seen = scan([Text("a", text, "shown"), Text("b", key, "shown")])
    assert [one.place for one in seen.findings] == ["a, line 1", "b, line 1"]
    assert seen.unscanned == ["a (40 characters of it)"]


def test_all_texts_together_are_bounded() -> None:
    """However many texts there are, no more than a limit in all is looked through."""
    page = "x" * LARGEST
    seen = scan(Text(f"page {n}", page, "shown") for n in range(MOST // LARGEST + 1))
    assert seen.unscanned == [f"page {MOST // LARGEST} ({LARGEST:,} characters of it)"]


def test_a_line_without_end() -> None:
    """A secret inside a line of megabytes is found, wherever it stands in it."""
    key = "gh" + "p_" + made(MIXED, 36)
    words = " password token key " * 5000
    for line in (words + key + words, "=" * 1990 + key, "a:'" * 90_000 + key):
        assert [one.shown for one in looked(line, "output").findings] == ["ghp_…"]


def test_a_flood_of_secrets_is_bounded() -> None:
    """A table of thousands of keys is told of in two hundred findings."""
    rows = "\n".join(f"token={hashlib.sha256(str(n).encode()).hexdigest()}" for n in range(1000))
    assert len(looked(rows, "output").findings) == 200


@pytest.mark.parametrize("text", ["", "\0" * 99, "\ud800 token = '\udfff'", "'" * 9999])
def test_odd_texts(text: str) -> None:
    """Empty, binary and broken texts hold nothing and harm nothing."""
    assert looked(text).findings == []
    assert looked(json.dumps(text), "output").findings == []


def test_the_mask() -> None:
    """Four characters of a long secret are shown, nothing of a short one."""
    assert masked("s3cr" + "et") == "…"
    assert masked("0123456789abcdef") == "0123…"
