"""The chance a program began with: hash seed, generators, and what steers determinism."""

from __future__ import annotations

from py_mlops.records.base import Blob, Part


class Randomness(Part, frozen=True):
    """Where a run's random numbers came from; a rerun begins with the same.

    Attributes:
        hash_seed: ``PYTHONHASHSEED`` as the kernel had it: a number, or
            ``random`` when nobody had set it.
        settings: Environment variables of a fixed list that steer threads and
            determinism, such as ``OMP_NUM_THREADS``, with their values.
        generators: Generators whose first state is kept: ``random``, ``numpy``, …
        state: These states; ``docs/format.md`` specifies the bytes.
    """

    hash_seed: str
    settings: dict[str, str]
    generators: list[str]
    state: Blob | None
