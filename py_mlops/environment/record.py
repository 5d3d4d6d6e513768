"""Writes an environment down as a record's part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from py_mlops.environment.installed import Installed, installed
from py_mlops.environment.interpreters import interpreter_of
from py_mlops.environment.keep import Prepared
from py_mlops.records import Blob, Distribution, Environment, Hardware, ThreadPool
from py_mlops.records.handover import KernelFacts


def to_record(
    facts: KernelFacts,
    prepared: Prepared,
    put_file: Callable[[Path], Blob],
    put_bytes: Callable[[bytes], Blob],
    *,
    loaded: Mapping[str, str] | None = None,
) -> Environment:
    """Return the environment of a snapshot, and put into the store what it stands on.

    Args:
        facts: What the kernel said of itself and its machine.
        prepared: Its packages, and the wheels that are kept of them.
        put_file: Stores a file.
        put_bytes: Stores some bytes.
        loaded: By name, versions that the program has loaded instead of the
            installed ones.
    """
    distributions, rerun = prepared.store(put_file, put_bytes)
    return Environment(
        interpreter=interpreter_of(facts),
        distributions=[
            msgspec.structs.replace(one, loaded=(loaded or {}).get(one.name, ""))
            for one in distributions
        ],
        lock=put_bytes(prepared.locked.pylock),
        hardware=_hardware(facts),
        rerun=rerun,
        conda=prepared.conda.store(put_file, put_bytes),
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
    known = {one.name: one for one in (*recorded.rerun, *recorded.distributions)}
    return Environment(
        interpreter=interpreter_of(facts),
        distributions=[_rebuilt(one, known.get(one.name)) for one in installed(facts.search_path)],
        lock=recorded.lock,
        hardware=_hardware(facts),
        rerun=[],
        conda=None,
    )


def _rebuilt(one: Installed, recorded: Distribution | None) -> Distribution:
    if recorded is not None and recorded.version == one.version:
        return msgspec.structs.replace(recorded, loaded="")
    return Distribution(
        name=one.name,
        version=one.version,
        source=one.source,
        wheel=None,
        sha256=None,
        origin=one.origin,
        kept=None,
        tree=None,
        loaded="",
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
