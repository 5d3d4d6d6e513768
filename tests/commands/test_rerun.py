from __future__ import annotations

from msgspec.structs import replace

from py_mlops.commands.reruns.rerun import stood_in
from py_mlops.records import Blob, Variable
from tests.store.samples import digest, snapshot


def test_only_variables_that_hold_a_stand_in_are_named() -> None:
    """Of those the program read: not home, path and language, nor what was known or never set."""
    blob = Blob(digest=digest(1), size=1)
    plain = snapshot(history=blob, lock=blob)
    read = ["HOME", "LANG", "PATH", "PYTHONPATH", "TERM", "OMP_NUM_THREADS", "STAGE"]
    variables = [Variable(name=name, was_set=True, known="") for name in read]
    variables += [Variable(name="DATABASE", was_set=True, known="postgresql://a.example")]
    variables += [Variable(name="NEVER", was_set=False, known="")]
    taken = replace(
        plain,
        capture=replace(plain.capture, variables=variables),
        surroundings=replace(plain.surroundings, variables={"LANG": "C.UTF-8"}),
        randomness=replace(plain.randomness, settings={"OMP_NUM_THREADS": "1"}),
    )
    assert stood_in(taken) == ["STAGE"]
