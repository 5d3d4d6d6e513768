from __future__ import annotations

import platform

import pytest
from packaging.tags import sys_tags

from py_mlops.environment.fitting import rank, tags

MACHINE = platform.machine()


def test_our_own_tags_are_those_that_packaging_says() -> None:
    """For the Python that runs us the ranks are packaging's own order."""
    ours = tags(platform.python_version())
    shared = [tag for tag in sys_tags() if tag in ours]
    assert shared == sorted(shared, key=ours.__getitem__)
    assert len(shared) == len(ours)


@pytest.mark.parametrize(
    ("wheel", "version", "fits"),
    [
        (f"a-1.0-cp38-cp38-manylinux2014_{MACHINE}.whl", "3.8.18", True),
        (f"a-1.0-cp38-cp38-manylinux2014_{MACHINE}.whl", "3.9.18", False),
        (f"a-1.0-cp37-cp37m-linux_{MACHINE}.whl", "3.7.16", True),
        (f"a-1.0-cp36-abi3-manylinux1_{MACHINE}.whl", "3.13.0", True),
        (f"a-1.0-cp313-abi3-linux_{MACHINE}.whl", "3.12.1", False),
        ("a-1.0-py2.py3-none-any.whl", "3.13.0", True),
        ("a-1.0-py2-none-any.whl", "3.8.18", False),
        ("a-1.0-cp311-cp311-win_amd64.whl", "3.11.7", False),
        ("a-1.0.tar.gz", "3.11.7", False),
    ],
)
def test_a_wheel_fits_its_own_kind_of_python(wheel: str, version: str, fits: bool) -> None:
    """Interpreter, ABI and platform decide, whatever Python asks."""
    assert (rank(wheel, version) is not None) is fits


def test_the_most_special_wheel_ranks_first() -> None:
    """One for the very interpreter comes before a stable ABI's, and that before a pure one."""
    names = (f"a-1.0-cp39-cp39-linux_{MACHINE}.whl", f"a-1.0-cp38-abi3-linux_{MACHINE}.whl",
             "a-1.0-py3-none-any.whl")  # fmt: skip
    ranks = [rank(name, "3.9.18") for name in names]
    assert None not in ranks
    assert ranks == sorted(ranks, key=lambda one: one or 0)
