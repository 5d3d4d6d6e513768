from __future__ import annotations

import stat
import sys
from pathlib import Path

import pytest

from py_mlops.guest.started import own_environment, unobserved
from py_mlops.notebook.observed import observed
from py_mlops.notebook.tracer import tracer_library

BASE = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"}
OURS = {
    *("MLOPS_SESSION", "MLOPS_TAPE", "MLOPS_TRACE", "MLOPS_TRACE_KEEP", "MLOPS_TRACE_SKIP"),
    "LD_PRELOAD",
}


def start(folder: Path, options: list[str] | None = None, **more: str) -> dict[str, str]:
    """Return the environment of an observed kernel; its session's folder is made."""
    session = folder / "session"
    session.mkdir(exist_ok=True)
    argv, env = observed(
        sys.executable,
        cache=folder / "cache",
        mode="record",
        folder=session,
        environment=BASE | more,
        options=options or [],
    )
    assert argv[0] == sys.executable
    assert argv[-2:] == ["--mode", "record"]
    assert argv[1:-3] == (options or [])
    return env


def test_the_environment_gains_what_is_documented(tmp_path: Path) -> None:
    """Nothing that was there is changed, and only what the documents name is added."""
    env = start(tmp_path)
    assert {name: env[name] for name in BASE} == BASE
    gained = set(env) - set(BASE)
    assert gained <= OURS | {"MLOPS_PYTHON", "PYTHONHASHSEED"}
    assert env["MLOPS_PYTHON"] == sys.executable
    assert stat.S_IMODE(Path(env["MLOPS_TAPE"]).stat().st_mode) == 0o700


def test_only_whole_folders_go_untraced(tmp_path: Path) -> None:
    """A folder of the user's whose name begins like one of ours is traced."""
    skipped = start(tmp_path).get("MLOPS_TRACE_SKIP", f"{tmp_path}/session/").split(":")
    assert f"{tmp_path}/session/" in skipped
    assert all(folder.endswith("/") for folder in skipped)


def test_hashing_is_random_but_known(tmp_path: Path) -> None:
    """Each kernel gets a seed of its own; a person's own seed stays."""
    seeds = {start(tmp_path)["PYTHONHASHSEED"] for _ in range(3)}
    assert len(seeds) == 3
    assert all(0 < int(seed) < 2**32 for seed in seeds)
    assert start(tmp_path, PYTHONHASHSEED="7")["PYTHONHASHSEED"] == "7"


@pytest.mark.parametrize("option", ["-I", "-E", "-sE"])
def test_no_seed_is_claimed_that_python_does_not_take(tmp_path: Path, option: str) -> None:
    """An interpreter that ignores its environment has no seed that we know."""
    assert "PYTHONHASHSEED" not in start(tmp_path, [option])
    assert "PYTHONHASHSEED" in start(tmp_path, ["-X", "importtime", "-Wignore"])


def test_a_rerun_is_told_nothing_of_our_python(tmp_path: Path) -> None:
    """A rerun takes no snapshots, so it needs nobody to ask."""
    session = tmp_path / "session"
    session.mkdir()
    argv, env = observed(
        sys.executable, cache=tmp_path, mode="rerun", folder=session, environment=BASE
    )
    assert argv[-1] == "rerun"
    assert "MLOPS_PYTHON" not in env


def test_a_kernel_inside_a_kernel_has_its_own_session(tmp_path: Path) -> None:
    """What an outer kernel was given is replaced, and the tracer stands there once."""
    outer = start(tmp_path, LD_PRELOAD="libtheirs.so")
    (tmp_path / "inner").mkdir()
    inner = start(tmp_path / "inner", None, **outer)
    assert inner["MLOPS_SESSION"] != outer["MLOPS_SESSION"]
    library = tracer_library()
    own = [str(library)] if "MLOPS_TRACE" in inner else []
    assert inner["LD_PRELOAD"].split(":") == [*own, "libtheirs.so"]


def test_our_own_processes_are_not_observed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was put in is taken out again; libraries of a person's own stay."""
    env = start(tmp_path, LD_PRELOAD="libtheirs.so libmine.so", PYTHONPATH="/theirs")
    assert unobserved(env) == BASE | {
        "LD_PRELOAD": "libtheirs.so:libmine.so",
        "PYTHONPATH": "/theirs",
        "PYTHONHASHSEED": env["PYTHONHASHSEED"],
    }
    for name, text in env.items():
        monkeypatch.setenv(name, text)
    own = own_environment()
    assert OURS & set(own) == {"LD_PRELOAD"}
    assert not any(name.startswith("PYTHON") for name in set(own) - {"PYTHONUTF8"})
