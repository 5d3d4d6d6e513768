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


class KeptWheel(Part, frozen=True):
    """A wheel in the store, from which a distribution is installed without any index.

    Attributes:
        name: Its file name.
        how: ``index``: the index's own file; ``built``: built from a working
            tree; ``repacked``: made of the installed files.
        blob: Its bytes.
    """

    name: str
    how: Literal["index", "built", "repacked"]
    blob: Blob


class WorkingTree(Part, frozen=True):
    """The state of version control in an editable distribution's folder.

    Attributes:
        commit: The commit that was checked out; empty before the first one.
        diff: What was changed since then, new files included, as `git diff`
            prints it; null when nothing was.
    """

    commit: str
    diff: Blob | None


class Distribution(Part, frozen=True):
    """An installed distribution.

    Attributes:
        name: Normalised name (PEP 503).
        version: Its version.
        source: ``index``: a package index knows this version; ``url``: an
            archive at an address; ``vcs``: version control; ``local``: a file or
            folder of the machine; ``editable``: a working tree; ``conda``: a
            conda package; ``unknown``: no index knows this version, or none
            could be asked.
        wheel: File name of the index's very wheel, when known.
        sha256: Hex digest of that wheel, when known.
        origin: The direct URL with credentials removed, and for version control
            its commit; empty otherwise.
        kept: The wheel that the store has of it; null when a rebuild must fetch it.
        tree: What version control says of an editable one; null otherwise.
        loaded: The version that the program had loaded before this one was
            installed; empty when it is this one.
    """

    name: str
    version: str
    source: Literal["index", "url", "vcs", "local", "editable", "conda", "unknown"]
    wheel: str | None
    sha256: str | None
    origin: str
    kept: KeptWheel | None
    tree: WorkingTree | None
    loaded: str


class ThreadPool(Part, frozen=True):
    """A native library with a pool of threads (BLAS, OpenMP, …).

    Attributes:
        library: Its name, ``openblas``.
        version: Its version; empty when unknown.
        threads: How many threads it uses.
    """

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


class CondaArchive(Part, frozen=True):
    """The file of a conda package, in the store.

    Attributes:
        place: Its channel, platform and file, as in the list of packages.
        blob: Its bytes.
    """

    place: str
    blob: Blob


class Conda(Part, frozen=True):
    """What conda installed beneath the kernel.

    Attributes:
        packages: All packages, as lines ``channel/subdir/file#digest`` in the
            order of their places; the digest is a sha256, or an md5 where conda
            noted no more.
        kept: The packages' files that the store has; without them, a rebuild
            fetches them from their channels.
    """

    packages: Blob
    kept: list[CondaArchive]


class Environment(Part, frozen=True):
    """Everything beneath the program.

    Attributes:
        interpreter: The Python.
        distributions: All installed distributions but this product, by name.
        lock: A PEP 751 ``pylock.toml`` of them, without any index's address.
        hardware: The machine.
        rerun: What a rerun needs beside them, ipykernel with its requirements,
            where they have none and the wheels are kept; empty otherwise.
        conda: The conda packages beneath; null where there are none.
    """

    interpreter: Interpreter
    distributions: list[Distribution]
    lock: Blob
    hardware: Hardware
    rerun: list[Distribution]
    conda: Conda | None
