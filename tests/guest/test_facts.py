from __future__ import annotations

import ast
import json
import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from py_mlops.guest import facts as module
from py_mlops.guest.facts import cpu, facts, gpus
from py_mlops.records.handover import KernelFacts

SOURCE = Path(module.__file__)


def in_a_fresh_python(code: str) -> object:
    """Run some code after the module was loaded as ``facts``; return what it prints as JSON."""
    start = "import sys, json, runpy; facts = runpy.run_path(sys.argv[1])['facts']; "
    done = subprocess.run(
        [sys.executable, "-I", "-c", start + code, SOURCE], capture_output=True, check=True
    )
    return json.loads(done.stdout)


def test_it_hands_over_the_agreed_shape() -> None:
    """The facts are plain JSON that the handover's own check accepts."""
    seen = msgspec.json.decode(json.dumps(facts()), type=KernelFacts)
    assert seen.version == ".".join(map(str, sys.version_info[:3]))
    assert seen.executable == sys.executable
    assert seen.cores == len(os.sched_getaffinity(0))


def test_it_runs_in_an_old_interpreter() -> None:
    """The guest's source is Python 3.8 and imports nothing but the standard library at once."""
    tree = ast.parse(SOURCE.read_text(), feature_version=(3, 8))
    imported = {
        name.name for node in tree.body if isinstance(node, ast.Import) for name in node.names
    } | {node.module for node in tree.body if isinstance(node, ast.ImportFrom)}
    assert imported <= sys.stdlib_module_names


def test_the_interpreters_folders_are_named() -> None:
    """The environment, its base, its standard library and its packages are all prefixes."""
    prefixes = in_a_fresh_python("print(json.dumps(facts()['prefixes']))")
    assert isinstance(prefixes, list)
    library = str(Path(os.__file__).parent)
    assert {sys.prefix, sys.base_prefix, library} <= set(prefixes)
    assert any(folder.endswith("site-packages") for folder in prefixes)
    assert "/" not in prefixes


def test_the_search_path_is_absolute() -> None:
    """The current folder, an empty string in ``sys.path``, is written out; odd entries are not."""
    code = "sys.path[:0] = ['', 'lib', None]; print(json.dumps(facts()['search_path']))"
    path = in_a_fresh_python(code)
    assert isinstance(path, list)
    assert path[:2] == [str(Path.cwd()), str(Path.cwd() / "lib")]


@pytest.mark.parametrize(
    ("text", "name", "features"),
    [
        (
            "model name\t: AMD EPYC 7763\nflags\t: smep sse4_2 avx avx2 avx512f fma\n\nflags\t: \n",
            "AMD EPYC 7763",
            ["avx", "avx2", "avx512f", "fma", "sse4_2"],
        ),
        ("Features\t: fp asimd sve sve2 crc32 sha2\n", None, ["asimd", "sve", "sve2"]),
    ],
)
def test_only_features_that_change_numbers_are_kept(
    tmp_path: Path, text: str, name: str | None, features: list[str]
) -> None:
    """Of the processor's flags only those that change floating-point paths are recorded."""
    (tmp_path / "cpuinfo").write_text(text)
    processor, kept = cpu(str(tmp_path / "cpuinfo"))
    assert kept == features
    assert processor == name if name else processor


def test_a_machine_without_cpuinfo_still_has_a_name(tmp_path: Path) -> None:
    """Where the system does not describe its processor, its architecture stands in."""
    name, features = cpu(str(tmp_path / "absent"))
    assert name
    assert features == []


def test_a_pinned_kernel_counts_only_its_cores() -> None:
    """A kernel bound to one core says one core, whatever the machine has."""
    code = (
        "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); "
        "print(json.dumps(facts()['cores']))"
    )
    assert in_a_fresh_python(code) == 1


def test_thread_pools_are_those_already_loaded() -> None:
    """Asking loads no numeric library: pools appear only after the notebook imported one."""
    code = (
        "before = facts()['pools']; quiet = 'threadpoolctl' not in sys.modules; import numpy; "
        "print(json.dumps([before, quiet, facts()['pools']]))"
    )
    seen = in_a_fresh_python(code)
    assert isinstance(seen, list)
    assert seen[:2] == [[], True]
    assert [pool for pool in seen[2] if "openblas" in pool[0] and pool[2] >= 1]


def test_a_broken_thread_library_does_no_harm() -> None:
    """Whatever a foreign threadpoolctl raises, the facts come without pools."""
    code = (
        "import types; sys.modules['numpy'] = types.ModuleType('numpy'); "
        "sys.modules['threadpoolctl'] = types.ModuleType('threadpoolctl'); "
        "print(json.dumps(facts()['pools']))"
    )
    assert in_a_fresh_python(code) == []


def test_gpus_go_by_their_drivers_names(tmp_path: Path) -> None:
    """Each GPU is named as its driver names it; where no driver tells, there is none."""
    for card, model in enumerate(["NVIDIA A100-SXM4-80GB", "NVIDIA A100-SXM4-80GB"]):
        folder = tmp_path / "proc" / "driver" / "nvidia" / "gpus" / f"0000:0{card}:00.0"
        folder.mkdir(parents=True)
        (folder / "information").write_text(f"Model: \t\t {model}\nIRQ:   \t\t 42\n")
    device = tmp_path / "sys" / "class" / "drm" / "card2" / "device"
    device.mkdir(parents=True)
    (device / "product_name").write_text("AMD Instinct MI210\n")
    assert gpus(str(tmp_path)) == [*["NVIDIA A100-SXM4-80GB"] * 2, "AMD Instinct MI210"]
    assert gpus(str(tmp_path / "nowhere")) == []
