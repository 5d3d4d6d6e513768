from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from py_mlops.environment import pylock
from py_mlops.environment.lock import Locked
from py_mlops.environment.plan import checked, decide
from py_mlops.errors import EnvironmentFailure, Hostile
from py_mlops.records import Distribution, Environment


def loose(name: str, version: str, source: Any = "unknown") -> Distribution:
    """A distribution without a digest."""
    return Distribution(
        name=name, version=version, source=source, wheel=None, sha256=None, origin="file:///x"
    )


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
        [idna, six, loose("--index-url", "1.0")],
        [idna, six, loose("../six", "1.0")],
    ):
        with pytest.raises(Hostile):
            checked(holding(recorded, *distributions), locked.pylock)


def test_what_came_from_no_index_is_left_out_and_never_looked_up(
    recorded: Environment, plain: Any, tmp_path: Path
) -> None:
    """An editable or direct package is not replaced by whatever an index has under its name."""
    environment = holding(
        recorded, loose("six", "1.17.0", "editable"), loose("idna", "3.10", "direct")
    )
    plan = decide(environment, [], Path(plain.facts.executable), tmp_path)
    assert (plan.wheels, plan.sources, plan.loose) == ([], [], [])
    assert [note.split()[0] for note in plan.notes] == ["six", "idna"]


def test_versions_without_digests_are_looked_up_now(
    recorded: Environment, plain: Any, tmp_path: Path
) -> None:
    """What was recorded without an index is taken by version where the index has it."""
    environment = holding(
        recorded,
        loose("six", "1.17.0"),
        loose("zz-unheard-of", "1.0"),
        loose("old", "2004d-final"),
        loose("evil", "1.0\n--index-url=https://evil.example"),
    )
    plan = decide(environment, [], Path(plain.facts.executable), tmp_path)
    assert plan.loose == ["six==1.17.0"]
    text = "\n".join(plan.notes)
    assert "by version only: six" in text
    for left in ("zz-unheard-of 1.0 is unknown", "old '2004d-final' is unknown", "evil"):
        assert left in text


@pytest.mark.usefixtures("unreachable")
def test_nothing_is_called_unknown_while_nobody_can_be_asked(
    recorded: Environment, plain: Any, tmp_path: Path
) -> None:
    """With the index out of reach a plan fails rather than leaving packages out."""
    environment = holding(recorded, loose("six", "1.17.0"))
    with pytest.raises(EnvironmentFailure, match="could not be reached to fetch six"):
        decide(environment, [], Path(plain.facts.executable), tmp_path)


def test_the_digest_follows_what_is_installed(
    recorded: Environment, locked: Locked, plain: Any, tmp_path: Path
) -> None:
    """Two plans share an environment exactly when they install the same."""
    entries = pylock.read(locked.pylock)
    python = Path(plain.facts.executable)
    whole = decide(recorded, entries, python, tmp_path)
    again = decide(recorded, entries[::-1], python, tmp_path)
    less = decide(holding(recorded, recorded.distributions[0]), entries[:1], python, tmp_path)
    assert whole.digest == again.digest != less.digest
