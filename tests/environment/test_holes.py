from __future__ import annotations

from py_mlops.environment.holes import altered, holes, not_fetched, not_kept, replaced
from py_mlops.environment.index import Choice, File
from py_mlops.environment.installed import Installed

KERNEL = Installed("ipykernel", "7.0")
CHOSEN = {"ipykernel": Choice(File("i.whl", "a" * 64, wheel=True), sure=True)}


def test_an_environment_that_is_all_locked_has_no_hole() -> None:
    """Nothing is said of what is whole."""
    assert holes([KERNEL], CHOSEN) == []


def test_what_conda_installed_is_said_without_stopping_anyone() -> None:
    """Packages that stand on conda's libraries are taken from the index, and both is named."""
    found = [KERNEL, *(Installed(name, "1.0", "conda", installer="conda") for name in "ab")]
    choices = CHOSEN | {"a": Choice(File("a.whl", "b" * 64, wheel=True), sure=False)}
    guessed, foreign = holes(found, choices)
    assert guessed.text.startswith("a 1.0 comes from conda")
    assert foreign.text.startswith("b 1.0 comes from conda")
    assert not guessed.blocking
    assert not foreign.blocking


def test_what_nobody_else_can_get_stops_others() -> None:
    """A package of which no wheel could be kept is named with its origin and the reason."""
    tree = Installed("a", "1", source="editable", origin="file:///srv/ada/a")
    hole = not_kept(tree, "its build failed")
    assert hole.blocking
    for part in ("a 1", "file:///srv/ada/a", "its build failed"):
        assert part in hole.text
    assert "uv build" in hole.hint


def test_what_is_kept_otherwise_than_one_would_think_is_said() -> None:
    """Repacked wheels and changed installations are named, and stop nobody."""
    assert not_fetched([]) == altered(KERNEL, [], []) == []
    (again,) = not_fetched([KERNEL, Installed("six", "1.17.0")])
    assert "ipykernel 7.0, six 1.17.0" in again.text
    (hole,) = altered(KERNEL, [f"f{n}.py" for n in range(9)], ["gone.py"])
    assert "f0.py" in hole.text
    assert "and 4 more are changed and gone.py is missing" in hole.text
    assert [one.blocking for one in (again, hole)] == [False, False]


def test_a_package_replaced_under_the_program_asks_for_a_restart() -> None:
    """Loaded and installed version are both named, and the way out."""
    hole = replaced("numpy", "1.26.4", "2.0.0", 3)
    assert (hole.cell, hole.blocking) == (3, True)
    assert "1.26.4" in hole.text
    assert "2.0.0" in hole.text
    assert "Restart the kernel" in hole.hint
