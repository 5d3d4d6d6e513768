from __future__ import annotations

import os
from pathlib import Path

import pytest

from py_mlops.guest.links import Links, is_text, walk


@pytest.fixture
def links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Links:
    """Links in a folder with ``real/a.csv`` and the link ``data`` to ``real``."""
    (tmp_path / "real").mkdir()
    (tmp_path / "real/a.csv").touch()
    (tmp_path / "data").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    return Links()


def here(name: str) -> str:
    """Return an absolute path in the working folder."""
    return os.path.join(os.getcwd(), name)


def test_a_link_of_the_world_keeps_its_name(links: Links) -> None:
    """A file read through a link that was there has the name that the program used."""
    path = here("data/a.csv")
    assert links.normal(path) == path
    assert links.found([path], set()) == [{"path": here("data"), "target": "real"}]


def test_a_link_of_the_programs_own_is_looked_through(links: Links) -> None:
    """A file read through a link that the program made has the name that it leads to."""
    links.making(here("mine"))
    os.symlink("real", "mine")
    assert links.normal(here("mine/a.csv")) == here("real/a.csv")
    assert links.found([here("mine/a.csv")], set()) == []


def test_a_link_whose_name_was_taken_is_not_made(links: Links) -> None:
    """Making a link fails where something is; that stays what it was."""
    links.making(here("data"))
    assert links.normal(here("data/a.csv")) == here("data/a.csv")


def test_up_from_a_link_is_up_from_where_it_leads(links: Links) -> None:
    """``..`` behind a link leads above the link's target, as the system has it."""
    os.makedirs("deep/er")
    os.symlink(here("deep/er"), "down")
    assert links.normal(here("down/../x")) == here("deep/x")
    assert links.found([], set()) == [{"path": here("down"), "target": here("deep/er")}]


def test_a_link_that_goes_was_one_of_the_world(links: Links) -> None:
    """A link that the program removes is recorded as it was; its own leaves no trace."""
    assert links.leaving(here("data"))
    os.remove("data")
    assert links.found([here("data/a.csv")], set()) == [{"path": here("data"), "target": "real"}]
    links.making(here("mine"))
    os.symlink("real", "mine")
    assert not links.leaving(here("mine"))


@pytest.mark.parametrize(
    ("command", "names"),
    [
        ("ln -s real mine", {"mine"}),
        ("cd x && ln -sf 'real' out/mine; ls", {"mine"}),
        ("ln -s ../a ../b .", {"a", "b"}),
        ("ls -l; lnx", set()),
        ("ln", set()),
    ],
)
def test_links_that_commands_make(links: Links, command: str, names: set[str]) -> None:
    """The words of a shell command tell which links it makes."""
    assert links.made_by([command]) == names


def test_a_link_of_a_command_is_looked_through(links: Links) -> None:
    """What is read through a link that a child process made has the name that it leads to."""
    os.symlink("real", "mine")
    assert links.past(here("mine/a.csv"), {"mine"}) == here("real/a.csv")
    assert links.past(here("mine/a.csv"), set()) == here("mine/a.csv")
    assert links.found([here("mine/a.csv")], {"mine"}) == []


def test_links_in_a_circle_end(links: Links) -> None:
    """A circle is given up; the other ways are followed."""
    os.symlink("b", "a")
    os.symlink("a", "b")
    links.making(here("c"))
    os.symlink("c", "c")
    links.normal(here("c/x"))
    found = links.found([here("a/x"), here("data/a.csv")], set())
    assert {"path": here("data"), "target": "real"} in found
    with pytest.raises(ValueError, match="circle"):
        walk("/a", {"/a": "b", "/b": "a"}.get)


def test_names_that_no_record_holds(links: Links) -> None:
    """A link whose name or target is not UTF-8 is left out."""
    name = os.fsdecode(b"l\xff")
    os.symlink("real", name)
    assert links.found([here(name)], set()) == []
    assert not is_text(name)
    assert not is_text("a\0")
