from __future__ import annotations

from typing import Any

import msgspec
import pytest

from py_mlops.environment.compare import changes, compare, same_numerics
from py_mlops.records import Blob, Distribution, Environment, Hardware, Interpreter, ThreadPool


@pytest.fixture
def written() -> Environment:
    """An environment written by hand, to vary one thing at a time."""
    return Environment(
        interpreter=Interpreter(
            implementation="cpython", version="3.11.7", platform="linux-x86_64", libc="glibc 2.36"
        ),
        distributions=[
            Distribution(
                kept=None, tree=None, loaded="",
                name=name, version=version, source="index", origin="", sha256="a" * 64,
                wheel=f"{name}-{version}-py3-none-any.whl",
            )
            for name, version in (("idna", "3.10"), ("numpy", "2.0.0"), ("six", "1.17.0"))
        ],
        rerun=[],
        conda=None,
        lock=Blob(digest="sha256:" + "0" * 64, size=1),
        hardware=Hardware(
            machine="x86_64", processor="Zen 3", features=["avx", "avx2", "fma"], cores=2,
            gpus=[], pools=[ThreadPool(library="libopenblas", version="0.3", threads=2)],
        ),
    )  # fmt: skip


def other(environment: Environment, part: str, **fields: Any) -> Environment:
    """The same environment with some fields of a part replaced."""
    changed = msgspec.structs.replace(getattr(environment, part), **fields)
    return msgspec.structs.replace(environment, **{part: changed})


def with_packages(environment: Environment, **versions: str | None) -> Environment:
    """The same environment with packages added, changed or (None) removed."""
    packages = {one.name: one for one in environment.distributions}
    for name, version in versions.items():
        if version is None:
            del packages[name]
        else:
            packages[name] = Distribution(
                kept=None,
                tree=None,
                loaded="",
                name=name,
                version=version,
                source="index",
                wheel=None,
                sha256=None,
                origin="",
            )
    return msgspec.structs.replace(environment, distributions=list(packages.values()))


def test_the_same_is_the_same(written: Environment) -> None:
    """An environment compared with itself is the same on both axes."""
    environment, hardware = compare(written, written)
    assert (environment.state, hardware.state) == ("same", "same")
    assert "3 packages" in environment.text
    assert changes(written, written) == []
    assert same_numerics(written, written)
    alone = with_packages(written, numpy=None, six=None)
    assert "its one package is the same" in compare(alone, alone)[0].text


def test_changed_and_missing_packages_are_named(written: Environment) -> None:
    """A changed or missing package makes the environment different, and the details name it."""
    rerun = with_packages(written, numpy="2.1.0", six=None, attrs="25.1.0")
    axis, _ = compare(written, rerun)
    assert axis.state == "different"
    assert "1 changed, 1 missing, 1 added" in axis.text
    assert axis.details == ["+ attrs 25.1.0", "numpy 2.0.0 → 2.1.0", "- six 1.17.0"]


@pytest.mark.parametrize(
    ("version", "state"), [("3.11.9", "close"), ("3.12.7", "different"), ("3.1.7", "different")]
)
def test_a_patch_of_python_is_close_a_minor_version_is_not(
    written: Environment, version: str, state: str
) -> None:
    """The same minor version of Python is close, another one is different."""
    axis, _ = compare(written, other(written, "interpreter", version=version))
    assert axis.state == state
    assert axis.details == [f"Python 3.11.7 → {version}"]
    assert f"Python {version} instead of 3.11.7" in axis.text


def test_an_added_package_or_another_libc_is_close(written: Environment) -> None:
    """What was recorded is all there: an extra package or another C library is close."""
    for rerun in (
        with_packages(written, ipykernel="7.0"),
        other(written, "interpreter", libc="glibc 2.39"),
    ):
        assert compare(written, rerun)[0].state == "close"


def test_another_platform_is_different(written: Environment) -> None:
    """Another platform is another environment, whatever the versions."""
    rerun = other(written, "interpreter", platform="macosx-14.0-arm64")
    assert compare(written, rerun)[0].state == "different"


def test_another_file_of_a_version_is_close(written: Environment) -> None:
    """The same version from another wheel is said; a digest nobody knows is not a difference."""
    first, *rest = written.distributions
    another = msgspec.structs.replace(first, sha256="b" * 64)
    rerun = msgspec.structs.replace(written, distributions=[another, *rest])
    axis, _ = compare(written, rerun)
    assert axis.state == "close"
    assert axis.details[0].startswith("idna 3.10: another file")
    unknown = msgspec.structs.replace(first, sha256=None, wheel=None, source="unknown")
    rerun = msgspec.structs.replace(written, distributions=[unknown, *rest])
    assert compare(written, rerun)[0].state == "same"


def test_other_features_or_threads_change_the_last_bits(written: Environment) -> None:
    """Fewer instruction sets or another number of threads are a different machine."""
    fewer = other(written, "hardware", features=["avx"])
    pools = [ThreadPool(library="libopenblas", version="0.3", threads=8)]
    threads = other(written, "hardware", pools=pools)
    for rerun, detail in (
        (fewer, "processor lacks avx2, fma"),
        (threads, "threads of libopenblas 2 → 8"),
    ):
        axis = compare(written, rerun)[1]
        assert axis.state == "different"
        assert axis.details == [detail]
        assert not same_numerics(written, rerun)


def test_another_model_with_the_same_paths_is_close(written: Environment) -> None:
    """A processor of another name with the same features and threads computes alike."""
    rerun = other(written, "hardware", processor="Zen 4", cores=64)
    axis = compare(written, rerun)[1]
    assert axis.state == "close"
    assert axis.details == ["processor Zen 3 → Zen 4", "cores 2 → 64"]
    assert same_numerics(written, rerun)


def test_without_pools_the_cores_decide(written: Environment) -> None:
    """When one side could not list its thread pools, the numbers of cores are compared."""
    silent = other(written, "hardware", pools=[])
    assert same_numerics(written, silent)
    assert not same_numerics(other(written, "hardware", cores=4), silent)


def test_a_record_cannot_write_to_the_terminal(written: Environment) -> None:
    """Control characters of someone else's record are shown, not obeyed."""
    rerun = with_packages(written, evil="1\x1b[2J")
    (line,) = changes(written, rerun)
    assert line.isprintable()
