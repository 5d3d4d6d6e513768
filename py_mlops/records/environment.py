"""The interpreter, the packages and the hardware a notebook ran on."""

from __future__ import annotations

from typing import Literal

from py_mlops.records.base import Blob, Part


class Interpreter(Part, frozen=True):
    """A Python.

    Attributes:
        implementation: ``cpython``.
        version: ``3.11.7``.
        platform: sysconfig's platform, ``linux-x86_64``.
        libc: ``glibc 2.36``; empty when unknown.
    """

    implementation: str
    version: str
    platform: str
    libc: str


class Distribution(Part, frozen=True):
    """An installed distribution.

    Attributes:
        name: Normalised name (PEP 503).
        version: Its version.
        source: ``index``: a wheel of a package index; ``direct``: from a URL
            or version control; ``editable``: a working tree; ``unknown``: no
            index knows this version, or none could be asked.
        wheel: File name of the very wheel, when known.
        sha256: Hex digest of that wheel, when known.
        origin: The direct URL with credentials removed; empty otherwise.
    """

    name: str
    version: str
    source: Literal["index", "direct", "editable", "unknown"]
    wheel: str | None
    sha256: str | None
    origin: str


class ThreadPool(Part, frozen=True):
    """A native library with a pool of threads (BLAS, OpenMP, …)."""

    library: str
    version: str
    threads: int


class Hardware(Part, frozen=True):
    """The machine, as far as it changes results.

    Attributes:
        machine: ``x86_64``.
        processor: The model's name.
        features: Instruction-set extensions that change floating-point paths.
        cores: Logical processors the process may use.
        gpus: Graphics processors, by model.
        pools: Native thread pools loaded.
    """

    machine: str
    processor: str
    features: list[str]
    cores: int
    gpus: list[str]
    pools: list[ThreadPool]


class Environment(Part, frozen=True):
    """Everything beneath the program.

    Attributes:
        interpreter: The Python.
        distributions: All installed distributions but this product, by name.
        lock: A PEP 751 ``pylock.toml`` of them, without any index's address.
        hardware: The machine.
    """

    interpreter: Interpreter
    distributions: list[Distribution]
    lock: Blob
    hardware: Hardware
