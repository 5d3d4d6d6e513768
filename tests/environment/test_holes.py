from __future__ import annotations

from py_mlops.environment.holes import holes
from py_mlops.environment.index import Choice, File
from py_mlops.environment.installed import Installed

KERNEL = Installed("ipykernel", "7.0")
CHOSEN = {"ipykernel": Choice(File("i.whl", "a" * 64, wheel=True), sure=True)}


def test_an_environment_that_is_all_locked_has_no_hole() -> None:
    """Nothing is said of what is whole."""
    assert holes([KERNEL], CHOSEN, reached=True) == []


def test_packages_the_index_does_not_know_stop_others_unless_nobody_asked() -> None:
    """Unknown to the index blocks; an index out of reach does not."""
    found = [KERNEL, Installed("mine", "1.0"), Installed("ours", "2.0")]
    (unknown,) = holes(found, CHOSEN, reached=True)
    assert unknown.blocking
    assert "mine 1.0, ours 2.0" in unknown.text
    (unasked,) = holes(found, CHOSEN, reached=False)
    assert not unasked.blocking
    assert "2 packages are recorded" in unasked.text
    (unasked,) = holes(found[:2], CHOSEN, reached=False)
    assert "1 package is recorded" in unasked.text


def test_guesses_and_compilations_are_said_without_stopping_anyone() -> None:
    """A file chosen by likeness and a package that must be compiled are both named."""
    found = [KERNEL, Installed("conda-built", "1.0"), Installed("old", "2.0")]
    choices = CHOSEN | {
        "conda-built": Choice(File("c.whl", "b" * 64, wheel=True), sure=False),
        "old": Choice(File("old.tar.gz", "c" * 64, wheel=False), sure=False),
    }
    guessed, compiled = holes(found, choices, reached=True)
    assert "conda-built 1.0" in guessed.text
    assert "old 2.0" in compiled.text
    assert not guessed.blocking
    assert not compiled.blocking


def test_what_came_from_no_index_names_its_origin() -> None:
    """Editable, local and direct installs each say where they came from and stop others."""
    found = [
        KERNEL,
        Installed("a", "1", source="editable", origin="file:///srv/ada/a"),
        Installed("b", "1", source="direct", origin="file:///srv/ada/b.whl"),
        Installed("c", "1", source="direct", origin="git+https://git.example.org/c@abc"),
        Installed("d", "1", source="direct"),
    ]
    seen = holes(found, CHOSEN, reached=True)
    assert all(hole.blocking and hole.hint for hole in seen)
    for one, hole in zip(found[1:], seen, strict=True):
        assert (one.origin or "not written down") in hole.text
