"""The chance a session begins with: first states of random generators, kept, and put back.

A program without a seed draws from generators that the system's entropy filled
when they were made. Their first state is all that such a program's result
depends on beside its data, so a rerun that begins with it draws the same. What
serves security (``secrets``, ``uuid``, ``os.urandom``) is neither kept nor
touched.
"""

from __future__ import annotations

import json
import os
import random
import sys
from typing import Any, Callable, Dict

from .patches.when_imported import when_imported

FILE = "chance.json"
VARIABLE = "MLOPS_CHANCE"
"""Names the file that a rerun begins with."""

SETTINGS = (
    *("OMP_NUM_THREADS", "OMP_DYNAMIC", "OMP_SCHEDULE", "OMP_THREAD_LIMIT"),
    *("OPENBLAS_NUM_THREADS", "OPENBLAS_CORETYPE", "GOTO_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("MKL_NUM_THREADS", "MKL_DYNAMIC", "MKL_CBWR", "MKL_ENABLE_INSTRUCTIONS"),
    *("VECLIB_MAXIMUM_THREADS", "NUMEXPR_NUM_THREADS", "NUMEXPR_MAX_THREADS"),
    *("NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT", "POLARS_MAX_THREADS", "RAYON_NUM_THREADS"),
    *("NPY_DISABLE_CPU_FEATURES", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"),
    *("TF_DETERMINISTIC_OPS", "TF_CUDNN_DETERMINISTIC", "TF_ENABLE_ONEDNN_OPTS"),
    *("CUBLAS_WORKSPACE_CONFIG", "CUDA_LAUNCH_BLOCKING", "NVIDIA_TF32_OVERRIDE"),
    *("TORCH_ALLOW_TF32_CUBLAS_OVERRIDE", "ATEN_CPU_CAPABILITY", "KERAS_BACKEND"),
    *("JAX_ENABLE_X64", "JAX_PLATFORMS", "PL_GLOBAL_SEED", "PYTHONOPTIMIZE"),
)
"""Environment variables that steer threads and determinism; none of them is ever a secret."""

_MOST_DRAWS = 65536
_MOST_MOVES = 200
_BITS = 128  # of a SeedSequence nobody seeded
_Json = Dict[str, Any]
_Through = Callable[[str, int], int]
"""Takes who asks and a fresh value, and returns the value to go on with."""


class Chance:
    """First states by the generator's name, kept right after each was imported.

    Attributes:
        names: Generators that were kept, or in a rerun put back.
    """

    def __init__(self) -> None:
        """Begin with nothing kept."""
        self.names: list[str] = []
        self._settings: dict[str, str] = {}
        self._hash_seed = ""
        self._moment = ""
        self._states: _Json = {}
        self._entropy: dict[str, list[str]] = {}
        self._draws = 0
        self._between = _BetweenCells()
        self._recorded: _Json | None = None

    def begin(self, shell: Any, *, loaded: bool, recorded: str = "") -> None:
        """Keep what the session begins with; in a rerun put the recorded chance back.

        Args:
            shell: The IPython shell; ``None`` outside of one.
            loaded: Whether a cell that is running already asked for us. Then the
                generators are kept, and put back, at that point of the program.
            recorded: A file that `write` made; empty when nothing is put back.
        """
        self._hash_seed = os.environ.get("PYTHONHASHSEED") or "random"
        self._settings = {name: os.environ[name] for name in SETTINGS if name in os.environ}
        if recorded:
            with open(recorded, encoding="utf-8") as stream:
                self._recorded = dict(json.load(stream))
            if self._recorded.get("moment") != "loaded":
                self._put_all_back()
        else:
            self._moment = "loaded" if loaded else "start"
            self._each(self._keep)
        if shell is not None:
            self._between.watch(shell)

    def loaded(self) -> None:
        """In a rerun, put back what was kept when the program loaded us; once."""
        if self._recorded is not None and self._recorded.get("moment") == "loaded":
            self._recorded["moment"] = ""
            self._put_all_back()

    def seen(self) -> _Json:
        """Return the shape of ``records.handover.SeenRandomness``, without the file."""
        return {
            "hash_seed": self._hash_seed or "random",
            "settings": self._settings,
            "generators": list(self.names),
            "file": "",
        }

    def write(self, folder: str) -> str:
        """Write what was kept into a folder; return the file's name, empty without any."""
        if not self._states:
            return ""
        kept = {"version": 1, "moment": self._moment, **self._states, "entropy": self._entropy}
        kept["between"] = self._between.moves
        with open(os.path.join(folder, FILE), "w", encoding="utf-8") as stream:
            json.dump(kept, stream, separators=(",", ":"))
        return FILE

    def _each(self, act: Callable[[str, Any], None]) -> None:
        for name in ("random", "numpy.random", "torch"):
            when_imported(name, _once(name, act))

    def _put_all_back(self) -> None:
        self._each(self._put_back)
        if "random" in self.names and self._recorded is not None:
            self._between.replay(self._recorded.get("between", []))

    def _keep(self, name: str, module: Any) -> None:
        self._states[name] = _KEEP[name](module)
        self.names.append(name)
        if name == "numpy.random":
            _draw_through(module.bit_generator, self._recording)
            self.names.append("numpy.random.default_rng")

    def _put_back(self, name: str, module: Any) -> None:
        recorded = self._recorded or {}
        if name in recorded:
            _PUT_BACK[name](module, recorded[name])
            self.names.append(name)
            if name == "numpy.random":
                _draw_through(module.bit_generator, _replaying(recorded.get("entropy", {})))
                self.names.append("numpy.random.default_rng")

    def _recording(self, asker: str, value: int) -> int:
        if self._draws < _MOST_DRAWS:
            self._draws += 1
            self._entropy.setdefault(asker, []).append(f"{value:x}")
        return value


class _BetweenCells:
    """Where Python's generator stands when a cell begins, after others drew from it.

    IPython itself draws from it whenever a front end asks what kernel this is,
    and a widget may; how often is not the program's doing.
    """

    def __init__(self) -> None:
        self.moves: list[Any] = []
        self._cell = 0
        self._last: Any = None
        self._recorded: dict[int, Any] | None = None

    def watch(self, shell: Any) -> None:
        self._last = random.getstate()
        shell.events.register("pre_run_cell", self._before)
        shell.events.register("post_run_cell", self._after)

    def replay(self, moves: list[Any]) -> None:
        self._cell, self._last = 0, random.getstate()
        self._recorded = dict(moves)

    def _before(self, info: Any) -> None:
        try:
            if not info.store_history or info.silent:
                return
            if self._recorded is not None:
                random.setstate(self._last)
                if self._cell in self._recorded:
                    _to_random(random, self._recorded[self._cell])
            elif random.getstate() != self._last and len(self.moves) < _MOST_MOVES:
                self.moves.append([self._cell, _of_random(random)])
        except Exception:  # noqa: S110 - a failure of ours is never the user's
            pass

    def _after(self, result: Any) -> None:
        try:
            if result is None or (result.info.store_history and not result.info.silent):
                self._cell, self._last = self._cell + 1, random.getstate()
        except Exception:  # noqa: S110 - a failure of ours is never the user's
            pass


def _once(name: str, act: Callable[[str, Any], None]) -> Callable[[Any], None]:
    """Act on a module the first time only: a reload leaves its generators as they are."""
    done: list[bool] = []

    def first(module: Any) -> None:
        if not done:
            done.append(True)
            act(name, module)

    return first


def _replaying(entropy: dict[str, list[str]]) -> _Through:
    most = 1 << _BITS
    queues = {
        asker: iter([value for value in (int(text, 16) for text in drawn) if 0 <= value < most])
        for asker, drawn in entropy.items()
    }

    def replay(asker: str, value: int) -> int:
        return next(queues.get(asker, iter(())), value)

    return replay


def _draw_through(module: Any, through: _Through) -> None:
    """Let the entropy of numpy's unseeded generators pass through a function.

    ``SeedSequence()``, and with it ``default_rng()`` and ``seed()``, asks its
    module's own ``randbits``. That one name is replaced: no class changes, so
    pickles and ``isinstance`` stay, and the values come from the same source.
    Each is kept under the line of code that asked: a library that was imported
    before the rerun's program needs it does not take the program's.
    """
    draw, process = module.randbits, os.getpid()

    def randbits(bits: int) -> int:
        value: int = draw(bits)
        # A forked worker has a copy of us: it must not repeat its parent's draws.
        if os.getpid() != process or bits != _BITS:
            return value
        try:
            frame = sys._getframe(1)  # noqa: SLF001 - the only way to know who asks
            name = frame.f_globals.get("__name__")
            return through(f"{name}:{frame.f_code.co_name}:{frame.f_lineno}", value)
        except Exception:  # a failure of ours is never the user's
            return value

    module.randbits = randbits


def _of_random(module: Any) -> list[Any]:
    version, state, gauss = module.getstate()
    return [version, list(state), gauss]


def _to_random(module: Any, kept: Any) -> None:
    version, state, gauss = kept
    module.setstate((version, tuple(state), gauss))


def _of_numpy(module: Any) -> list[Any]:
    name, key, position, has_gauss, gauss = module.get_state()
    return [name, key.tolist(), int(position), int(has_gauss), float(gauss)]


def _to_numpy(module: Any, kept: Any) -> None:
    import numpy as np

    name, key, position, has_gauss, gauss = kept
    module.set_state((name, np.array(key, dtype=np.uint32), position, has_gauss, gauss))


def _of_torch(module: Any) -> str:
    return bytes(module.get_rng_state().tolist()).hex()


def _to_torch(module: Any, kept: Any) -> None:
    module.set_rng_state(module.tensor(list(bytes.fromhex(kept)), dtype=module.uint8))


_KEEP: dict[str, Callable[[Any], Any]] = {
    "random": _of_random,
    "numpy.random": _of_numpy,
    "torch": _of_torch,
}
_PUT_BACK: dict[str, Callable[[Any, Any], None]] = {
    "random": _to_random,
    "numpy.random": _to_numpy,
    "torch": _to_torch,
}
_CHANCE = Chance()


def chance() -> Chance:
    """Return the process's only one."""
    return _CHANCE
