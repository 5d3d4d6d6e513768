from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.guest.words import expand, named_in, text_of


@pytest.mark.parametrize(
    ("command", "reads", "writes"),
    [
        ("cat a.txt 'b c.txt'", ["/d/a.txt", "/d/b c.txt"], []),
        ("sort <in >out 2>>log", ["/d/in"], ["/d/out", "/d/log"]),
        ("wc -l --files=list.txt | tee counts", ["/d/list.txt", "/d/counts"], []),
        ("gcc x.c -o x", ["/d/x.c"], ["/d/x"]),
        ("curl https://example.org/a --output=a", [], ["/d/a"]),
        ("cd sub && head ../a; cd /e\ntail b", ["/d/a", "/e/b"], []),
        ("LANG=C awk '{print $1}' it's", [], []),
    ],
)
def test_named_in(command: str, reads: list[str], writes: list[str]) -> None:
    """The files of a command are found behind options, redirections and cd."""
    named = named_in(command, "/d")
    assert [file.path for file in named if file.writes] == writes
    assert set(reads) <= {file.path for file in named if not file.writes}


def test_expand(tmp_path: Path) -> None:
    """Wildcards become the files that match; what matches nothing stays."""
    for name in ("b.csv", "a.csv", "c.txt"):
        (tmp_path / name).touch()
    folder = str(tmp_path)
    assert expand("*.csv", folder) == [f"{folder}/a.csv", f"{folder}/b.csv"]
    assert expand("*.xml", folder) == [f"{folder}/*.xml"]
    assert expand("", folder) == expand("a\0b", folder) == expand("x" * 5000, folder) == []


def test_expand_is_bounded(tmp_path: Path) -> None:
    """A wildcard stands for at most 1,000 files."""
    for number in range(1010):
        (tmp_path / str(number)).touch()
    assert len(expand("*", str(tmp_path))) == 1000


@pytest.mark.parametrize(
    ("command", "text"),
    [
        ("ls -l", "ls -l"),
        (b"ls", "ls"),
        (["cat", Path("a b")], "cat 'a b'"),
        (["/bin/sh", "-c", "a | b"], "a | b"),
    ],
)
def test_text_of(command: object, text: str) -> None:
    """A command reads as a person would type it."""
    assert text_of(command) == text


def test_a_long_command_is_looked_through_quickly() -> None:
    """Of a megabyte of data in a command a few words are read, not each letter in its turn."""
    blob = "a" * (1 << 20)
    named = named_in(f"cat before\necho {blob} > after\ncat behind", "/here")
    assert [file.requested for file in named if file.requested != blob] == [
        *("cat", "before", "echo", "after", "cat", "behind"),
    ]
    assert len(named_in("f.csv " * 100_000, "/here")) == 10_000
