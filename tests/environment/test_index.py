from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.index import File, ask, choose, pins
from py_mlops.environment.installed import Installed


def installation(*tags: str, build: str = "") -> Installed:
    """An installation of numpy whose WHEEL file holds these tags."""
    return Installed("numpy", "2.0.0", tags=tags, build=build)


def wheel(rest: str) -> File:
    """A wheel of numpy with these tags in its name."""
    return File(f"numpy-2.0.0-{rest}.whl", "a" * 64, wheel=True)


SOURCE = File("numpy-2.0.0.tar.gz", "b" * 64, wheel=False)
LINUX = wheel("cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64")
STABLE = wheel("cp310-abi3-manylinux_2_28_x86_64")
PURE = wheel("py3-none-any")


def test_one_question_finds_all_that_is_unknown(plain: Any, tmp_path: Path) -> None:
    """Many unknown packages and versions are found at once, and none hides the known ones."""
    unknown = {f"zz-unheard-of-{n}": "1.0" for n in range(30)} | {"idna": "99.0"}
    asked = {"six": "1.17.0"} | unknown
    answer = ask(asked, plain.facts.executable, folder=tmp_path, offline=False)
    assert answer.reached
    assert set(answer.files) == {"six"}
    assert (
        File(
            "six-1.17.0-py2.py3-none-any.whl",
            "4721f391ed90541fddacab5acf947aa0d3dc7d27b2e1e8eda2be8970586c3274",
            wheel=True,
        )
        in answer.files["six"]
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.usefixtures("unreachable")
def test_an_index_that_is_not_there_is_said_to_be_so(plain: Any, tmp_path: Path) -> None:
    """An index out of reach is not mistaken for one that does not know the packages."""
    answer = ask({"six": "1.17.0"}, plain.facts.executable, folder=tmp_path, offline=False)
    assert (answer.files, answer.reached) == ({}, False)


def test_the_users_own_folders_of_wheels_are_asked_too(
    plain: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wheels in a folder that UV_FIND_LINKS names are found beside those of the index."""
    (tmp_path / "links").mkdir()
    (tmp_path / "links" / "zz_mine-1.0-py3-none-any.whl").write_bytes(b"not empty")
    monkeypatch.setenv("UV_FIND_LINKS", str(tmp_path / "links"))
    asked = {"zz-mine": "1.0", "six": "1.17.0"}
    answer = ask(asked, plain.facts.executable, folder=tmp_path, offline=False)
    assert set(answer.files) == {"six", "zz-mine"}


def test_versions_that_are_none_are_not_asked_about() -> None:
    """A version that PEP 440 does not allow never reaches uv."""
    assert pins([("six", "1.17.00"), ("old", "2004d-final"), ("x", "1\n--index-url=a")]) == {
        "six": "1.17.0"
    }


def test_the_very_wheel_is_found_by_its_tags() -> None:
    """Among several wheels that would fit, the installed one is chosen."""
    tags = ("cp311-cp311-manylinux_2_27_x86_64", "cp311-cp311-manylinux_2_28_x86_64")
    for files in ([LINUX, STABLE, PURE, SOURCE], [SOURCE, PURE, STABLE, LINUX]):
        choice = choose(installation(*tags), files)
        assert choice is not None
        assert choice == (LINUX, True)
        assert choose(installation("py3-none-any"), files) == (PURE, True)


def test_build_numbers_are_told_apart() -> None:
    """Two builds with the same tags are different wheels."""
    second = wheel("1local-py3-none-any")
    assert choose(installation("py3-none-any", build="1local"), [PURE, second]) == (second, True)
    assert choose(installation("py3-none-any"), [second, PURE]) == (PURE, True)


def test_a_compiled_package_is_guessed_and_said_to_be() -> None:
    """Tags that no file has lead to the likeliest wheel, and the choice says it is a guess."""
    here = installation("cp311-cp311-linux_x86_64")
    assert choose(here, [PURE, STABLE, LINUX, SOURCE]) == (LINUX, False)
    assert choose(here, [SOURCE]) == (SOURCE, False)
    assert choose(here, []) is None


def test_nonsense_is_passed_over() -> None:
    """Tags and file names that follow no standard neither match nor break anything."""
    odd = File("numpy.whl", "c" * 64, wheel=True)
    assert choose(installation("nonsense"), [odd, PURE]) == (PURE, False)
