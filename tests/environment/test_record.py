from __future__ import annotations

from typing import Any

from py_mlops.environment.compare import compare
from py_mlops.environment.lock import Locked
from py_mlops.environment.record import from_rerun
from py_mlops.records import Environment, canonical, decode_as
from py_mlops.store import Blobs


def test_a_record_holds_what_the_kernel_said(
    plain: Any, locked: Locked, recorded: Environment, blobs: Blobs
) -> None:
    """Interpreter, machine and packages of the kernel stand in the record, which reads back."""
    assert recorded.interpreter.version == plain.facts.version
    assert recorded.hardware.features == plain.facts.features
    assert recorded.distributions == locked.distributions
    assert blobs.read(recorded.lock.digest) == locked.pylock
    assert (recorded.rerun, recorded.conda) == ([], None)
    assert decode_as(canonical(recorded), Environment) == recorded


def test_a_rerun_is_described_by_what_is_installed_there(
    plain: Any, mixed: Any, recorded: Environment
) -> None:
    """A rerun in the same environment compares as the same; elsewhere its packages show."""
    again = from_rerun(recorded, plain.facts)
    assert again == recorded
    elsewhere = from_rerun(recorded, mixed.facts)
    axis, _ = compare(recorded, elsewhere)
    assert axis.state == "different"
    assert "- idna 3.10" in axis.details
    assert "+ zz-local 0.2" in axis.details
