"""Writes an environment down as a record's part."""

from __future__ import annotations

from py_mlops.environment.installed import Installed, installed
from py_mlops.environment.interpreters import interpreter_of
from py_mlops.environment.lock import Locked
from py_mlops.records import Blob, Distribution, Environment, Hardware, ThreadPool
from py_mlops.records.handover import KernelFacts


def to_record(facts: KernelFacts, locked: Locked, lock_blob: Blob) -> Environment:
    """Return the environment of a snapshot or a rerun.

    Args:
        facts: What the kernel said of itself and its machine.
        locked: Its packages.
        lock_blob: Where the store keeps ``locked.pylock``.
    """
    return Environment(
        interpreter=interpreter_of(facts),
        distributions=locked.distributions,
        lock=lock_blob,
        hardware=_hardware(facts),
    )


def from_rerun(recorded: Environment, facts: KernelFacts) -> Environment:
    """Return the environment a rerun really ran in, without locking it anew.

    Where a recorded version is installed, it came from the recorded file: the
    environment was built from the lock by digest. So only names and versions
    are looked at, in the folders the rerun's kernel named.

    Args:
        recorded: The snapshot's environment, which was built again.
        facts: What the rerun's kernel said of itself and its machine.
    """
    known = {one.name: one for one in recorded.distributions}
    return Environment(
        interpreter=interpreter_of(facts),
        distributions=[_rebuilt(one, known.get(one.name)) for one in installed(facts.search_path)],
        lock=recorded.lock,
        hardware=_hardware(facts),
    )


def _rebuilt(one: Installed, recorded: Distribution | None) -> Distribution:
    if recorded is not None and recorded.version == one.version:
        return recorded
    return Distribution(
        name=one.name,
        version=one.version,
        source=one.source,
        wheel=None,
        sha256=None,
        origin=one.origin,
    )


def _hardware(facts: KernelFacts) -> Hardware:
    return Hardware(
        machine=facts.machine,
        processor=facts.processor,
        features=facts.features,
        cores=facts.cores,
        gpus=facts.gpus,
        pools=[
            ThreadPool(library=library, version=version, threads=threads)
            for library, version, threads in facts.pools
        ],
    )
