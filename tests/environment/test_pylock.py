from __future__ import annotations

import tomllib

import pytest
from packaging.pylock import Pylock

from py_mlops.environment.pylock import LARGEST, Entry, is_name, is_version, read, write
from py_mlops.errors import Hostile

SIX = Entry("six", "1.17.0", "six-1.17.0-py2.py3-none-any.whl", "a" * 64, wheel=True)
ANTLR = Entry("antlr4-runtime", "4.9.3", "antlr4-runtime-4.9.3.tar.gz", "b" * 64, wheel=False)
TORCH = Entry(
    "torch", "2.1.0+cpu", "torch-2.1.0+cpu-cp311-cp311-linux_x86_64.whl", "c" * 64, wheel=True
)


@pytest.mark.parametrize("entries", [[], [SIX], [TORCH, SIX, ANTLR]])
def test_a_lock_is_standard_and_comes_back_as_it_was(entries: list[Entry]) -> None:
    """The lock is valid PEP 751, and reading it gives what was written, sorted."""
    data = write(entries, "3.11.7")
    standard = Pylock.from_dict(tomllib.loads(data.decode()))
    assert str(standard.requires_python) == "==3.11.*"
    assert standard.created_by == "py-mlops"
    assert read(data) == sorted(entries)


def test_a_lock_is_the_same_bytes_whatever_the_order() -> None:
    """The same environment gives the same lock, byte for byte."""
    assert write([SIX, ANTLR, TORCH], "3.11.7") == write([TORCH, SIX, ANTLR], "3.11.9")


def test_a_lock_names_no_index() -> None:
    """No address stands in a lock."""
    assert b"://" not in write([SIX, ANTLR, TORCH], "3.11.7")


GOOD = write([SIX], "3.11.7").decode()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('name = "six"', 'name = "--index-url=//evil"'),
        ('name = "six"', 'name = "-e"'),
        ('name = "six"', 'name = "six @ https:"'),
        ('name = "six"', 'name = "Six"'),
        ('name = "six"', 'name = "s\\nix"'),
        ('version = "1.17.0"', 'version = "1.17.0\\n--extra-index-url x"'),
        ('version = "1.17.0"', 'version = " 1.17.0"'),
        ('version = "1.17.0"', 'version = "1.17.0 --hash=sha256:00"'),
        ('version = "1.17.0"', 'version = "../../x"'),
        ('version = "1.17.0"', "version = 1"),
        ("six-1.17.0-py2.py3-none-any.whl", "../six-1.17.0-py2.py3-none-any.whl"),
        ("six-1.17.0-py2.py3-none-any.whl", "six-1.16.0-py2.py3-none-any.whl"),
        ("six-1.17.0-py2.py3-none-any.whl", "seven-1.17.0-py2.py3-none-any.whl"),
        ("six-1.17.0-py2.py3-none-any.whl", "six.whl"),
        ('path = "wheels/', 'path = "/etc/'),
        ('path = "wheels/', 'url = "https://evil.example/x.whl", path = "wheels/'),
        ("hashes = {", 'url = "https://evil.example/x.whl", hashes = {'),
        ("a" * 64, "a" * 63),
        ("a" * 64, "A" * 64),
        ("a" * 64, "a" * 64 + " --no-index"),
        ('sha256 = "', 'md5 = "0", sha256 = "'),
        ("[[packages]]", '[[packages]]\nindex = "https://evil.example"'),
        ("[[packages]]", '[[packages]]\nvcs = { type = "git", url = "https://evil.example" }'),
        ("[[packages]]", "[[package]]"),
        ('lock-version = "1.0"', 'lock-version = "2.0"'),
        ("wheels = [", "wheels = [1, "),
        ("wheels = [", "wheels = [" * 5000),
        ("created-by", "\x00"),
        (GOOD, GOOD + GOOD[GOOD.index("[[packages]]") :]),
    ],
)
def test_whatever_a_lock_should_not_hold_is_refused(old: str, new: str) -> None:
    """Options, addresses, paths and anything else foreign in a lock is refused by name."""
    assert old in GOOD
    with pytest.raises(Hostile, match="lock is refused"):
        read(GOOD.replace(old, new).encode())


@pytest.mark.parametrize("data", [b"", b"\xff", b"packages = 3", b"\n" * (LARGEST + 1)])
def test_what_is_no_lock_at_all_is_refused(data: bytes) -> None:
    """Bytes that are no lock, or too many of them, are refused before anything reads on."""
    with pytest.raises(Hostile):
        read(data)


def test_names_and_versions_have_one_spelling() -> None:
    """Only the normalised spelling of a name and a version passes."""
    assert [
        text for text in ("six", "a-b", "A", "a_b", "-a", "a-", "a--b", "a\n", "") if is_name(text)
    ] == ["six", "a-b"]
    assert [
        text for text in ("1.0", "1!2.0+cpu", "1.0 ", "v1", "1.0-1", "x") if is_version(text)
    ] == ["1.0", "1!2.0+cpu"]
