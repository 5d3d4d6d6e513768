from __future__ import annotations

from typing import Any

import msgspec
import pytest

from py_mlops.environment import pylock
from py_mlops.environment.lock import Locked
from py_mlops.environment.plan import checked, decide
from py_mlops.errors import Hostile
from py_mlops.records import Blob, Distribution, Environment, KeptWheel
from tests.environment.worlds import distribution

PYTHON = "3.11.7"


def kept(name: str, how: Any = "repacked", digest: str = "5" * 64) -> KeptWheel:
    """A wheel in the store."""
    return KeptWheel(name=name, how=how, blob=Blob(digest=f"sha256:{digest}", size=1))


def holding(environment: Environment, *distributions: Distribution) -> Environment:
    """The environment with other distributions."""
    return msgspec.structs.replace(environment, distributions=list(distributions))


def test_a_lock_and_its_record_agree(recorded: Environment, locked: Locked) -> None:
    """A record and the lock made with it are accepted together."""
    assert [entry.name for entry in checked(recorded, locked.pylock)] == ["idna", "six"]


def test_a_lock_of_something_else_is_refused(recorded: Environment, locked: Locked) -> None:
    """A lock that installs what its record does not tell of is refused."""
    idna, six = recorded.distributions
    for distributions in (
        [idna],
        [idna, msgspec.structs.replace(six, sha256="0" * 64)],
        [idna, msgspec.structs.replace(six, version="1.16.0")],
        [idna, msgspec.structs.replace(six, source="editable")],
        [idna, six, six],
        [idna, six, distribution("--index-url", "1.0")],
        [idna, six, distribution("../six", "1.0")],
    ):
        with pytest.raises(Hostile):
            checked(holding(recorded, *distributions), locked.pylock)


@pytest.mark.parametrize(
    "wheel",
    [
        kept("seven-1.17.0-py3-none-any.whl"),
        kept("six-1.16.0-py3-none-any.whl"),
        kept("../six-1.17.0-py3-none-any.whl"),
        kept("six-1.17.0-py2.py3-none-any.whl", "index"),
        kept("six.whl"),
    ],
)
def test_a_kept_wheel_of_something_else_is_refused(
    recorded: Environment, locked: Locked, wheel: KeptWheel
) -> None:
    """A kept wheel by another name or version, or with another digest than recorded, is refused."""
    idna, six = recorded.distributions
    six = msgspec.structs.replace(six, kept=wheel)
    with pytest.raises(Hostile):
        checked(holding(recorded, idna, six), locked.pylock)


def test_what_came_from_no_index_is_left_out_and_never_looked_up(recorded: Environment) -> None:
    """Without a kept wheel, no package is replaced by what an index has under its name."""
    environment = holding(
        recorded,
        distribution("six", "1.17.0", "editable"),
        distribution("idna", "3.10", "local"),
        distribution("numpy", "2.0.0", "unknown"),
        distribution("evil", "1.0\n--index-url=https://evil.example", "unknown"),
    )
    plan = decide(environment, [], PYTHON)
    assert (plan.kept, plan.wheels, plan.sources) == ({}, [], [])
    assert [note.split()[0] for note in plan.notes] == ["six", "idna", "numpy", "evil"]
    assert "\n" not in "".join(plan.notes)


def test_what_the_store_has_is_asked_of_nobody(recorded: Environment, locked: Locked) -> None:
    """A kept wheel is taken, also where a lock has the index's; what does not fit is not."""
    idna, six = recorded.distributions
    own = kept("six-1.17.0-py3-none-any.whl")
    foreign = kept("idna-3.10-cp39-cp39-win_amd64.whl")
    environment = holding(
        recorded,
        msgspec.structs.replace(idna, kept=foreign),
        msgspec.structs.replace(six, kept=own),
        distribution("mine", "1.0", "local", kept=kept("mine-1.0-cp38-cp38-linux_x86_64.whl")),
    )
    plan = decide(environment, checked(environment, locked.pylock), PYTHON)
    assert plan.kept == {"six": own}
    assert [line.split("==")[0] for line in plan.wheels] == ["idna"]
    left, again = plan.notes
    assert "mine-1.0-cp38-cp38-linux_x86_64.whl does not fit" in left
    assert again == "Packed again from what was installed: six."


def test_the_digest_follows_what_is_installed(recorded: Environment, locked: Locked) -> None:
    """Two plans share an environment exactly when they install the same."""
    entries = pylock.read(locked.pylock)
    whole = decide(recorded, entries, PYTHON)
    again = decide(recorded, entries[::-1], PYTHON)
    idna, six = recorded.distributions
    less = decide(holding(recorded, idna), entries[:1], PYTHON)
    own = kept("six-1.17.0-py3-none-any.whl")
    other = decide(holding(recorded, idna, msgspec.structs.replace(six, kept=own)), entries, PYTHON)
    assert whole.digest == again.digest
    assert len({whole.digest, less.digest, other.digest}) == 3
