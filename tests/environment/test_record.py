from __future__ import annotations

from typing import Any

from py_mlops.environment.compare import compare
from py_mlops.environment.lock import Locked
from py_mlops.environment.record import from_rerun, to_record
from py_mlops.records import Blob, Environment, canonical, decode_as


def test_a_record_holds_what_the_kernel_said(plain: Any, locked: Locked) -> None:
    """Interpreter, machine and packages of the kernel stand in the record, which reads back."""
    lock = Blob(digest="sha256:" + "1" * 64, size=len(locked.pylock))
    record = to_record(plain.facts, locked, lock)
    assert record.interpreter.version == plain.facts.version
    assert record.hardware.features == plain.facts.features
    assert record.distributions == locked.distributions
    assert record.lock == lock
    assert decode_as(canonical(record), Environment) == record


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
