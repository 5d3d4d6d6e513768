"""Says how two environments differ, and whether they compute with the same last bits."""

from __future__ import annotations

from collections.abc import Iterator

from py_mlops.records import Axis, Distribution, Environment, Hardware, Interpreter


def compare(recorded: Environment, rerun: Environment) -> tuple[Axis, Axis]:
    """Return the environment axis and the hardware axis of a verdict.

    The environment is ``close`` when what was recorded is all there in the same
    versions and only the Python's patch, the C library, another file of a
    version, or an added package differs. The hardware is ``close`` when another
    machine computes in the same way, see `same_numerics`.

    Args:
        recorded: The snapshot's.
        rerun: The rerun's.
    """
    return _environment(recorded, rerun), _hardware(recorded, rerun)


def same_numerics(recorded: Environment, rerun: Environment) -> bool:
    """Say whether both sides take the same floating-point paths.

    That is: the same kind of processor, the same instruction-set extensions,
    and the same number of threads, which decides the order of sums.
    """
    one, other = recorded.hardware, rerun.hardware
    return (
        one.machine == other.machine
        and set(one.features) == set(other.features)
        and _threads(one, other) == _threads(other, one)
    )


def changes(a: Environment, b: Environment) -> list[str]:
    """Return a line for everything that changed from ``a`` to ``b``; empty when nothing did."""
    return [*_software(a, b), *_machine(a.hardware, b.hardware)]


def machine_changes(a: Environment, b: Environment) -> list[str]:
    """Return a line for every difference of hardware; empty when there is none."""
    return list(_machine(a.hardware, b.hardware))


def _threads(one: Hardware, other: Hardware) -> dict[str, int]:
    """Return thread counts of the pools that both sides know, else of the whole process.

    A pool is listed only once its library is loaded, which may come later on
    one side than on the other.
    """
    known = {pool.library for pool in other.pools}
    counts: dict[str, int] = {}
    for pool in one.pools:
        if pool.library in known:
            counts[pool.library] = max(pool.threads, counts.get(pool.library, 0))
    return counts or {"": one.cores}


def _environment(recorded: Environment, rerun: Environment) -> Axis:
    before, after = _by_name(recorded), _by_name(rerun)
    removed = before.keys() - after.keys()
    changed = {name for name in before.keys() & after.keys()
               if _ran(before[name]) != _ran(after[name])}  # fmt: skip
    counts = [
        f"{count} {word}"
        for count, word in (
            (len(changed), "changed"),
            (len(removed), "missing"),
            (len(after.keys() - before.keys()), "added"),
        )
        if count
    ]
    details = list(_software(recorded, rerun))
    python = f"Python {_plain(rerun.interpreter.version)}"
    if recorded.interpreter.version != rerun.interpreter.version:
        python += f" instead of {_plain(recorded.interpreter.version)}"
    if not details:
        what = "its one package is" if len(before) == 1 else f"all {len(before)} packages are"
        return _axis("environment", "same", f"{python} and {what} the same.", [])
    kept = not removed and not changed and _same_abi(recorded.interpreter, rerun.interpreter)
    packages = ", ".join(counts) if counts else "the same"
    text = f"{python}; packages: {packages}."
    return _axis("environment", "close" if kept else "different", text, details)


def _ran(one: Distribution) -> tuple[str, str]:
    """Return the version that is installed and the one that the program had loaded."""
    return one.version, one.loaded or one.version


def _same_abi(one: Interpreter, other: Interpreter) -> bool:
    def abi(interpreter: Interpreter) -> tuple[str, str, list[str]]:
        minor = interpreter.version.split(".")[:2]
        return interpreter.implementation, interpreter.platform, minor

    return abi(one) == abi(other)


def _hardware(recorded: Environment, rerun: Environment) -> Axis:
    details = list(_machine(recorded.hardware, rerun.hardware))
    if not details:
        return _axis("hardware", "same", "The same kind of machine, with the same threads.", [])
    if same_numerics(recorded, rerun):
        return _axis("hardware", "close", "Another machine that computes in the same way.", details)
    text = "Another machine, whose last bits may differ."
    return _axis("hardware", "different", text, details)


def _axis(name: str, state: str, text: str, details: list[str]) -> Axis:
    return Axis(name=name, state=state, text=text, details=details)  # type: ignore[arg-type]  # literals of this module


def _by_name(environment: Environment) -> dict[str, Distribution]:
    return {one.name: one for one in environment.distributions}


def _software(a: Environment, b: Environment) -> Iterator[str]:
    one, other = a.interpreter, b.interpreter
    yield from _changed("Python", one.version, other.version)
    yield from _changed("implementation", one.implementation, other.implementation)
    yield from _changed("platform", one.platform, other.platform)
    yield from _changed("C library", one.libc, other.libc)
    before, after = _by_name(a), _by_name(b)
    for name in sorted(before.keys() | after.keys()):
        if name not in after:
            yield f"- {_plain(name)} {_plain(before[name].version)}"
        elif name not in before:
            yield f"+ {_plain(name)} {_plain(after[name].version)}"
        elif before[name].version != after[name].version:
            yield from _changed(name, before[name].version, after[name].version)
        else:
            yield from _other_file(before[name], after[name])
            yield from _loaded(before[name], after[name])


def _loaded(one: Distribution, other: Distribution) -> Iterator[str]:
    """Tell of versions that programs went on with after another one was installed."""
    if one.loaded != other.loaded:
        yield from _changed(
            f"{one.name} as it was loaded", one.loaded or one.version, other.loaded or other.version
        )


def _other_file(one: Distribution, other: Distribution) -> Iterator[str]:
    """Tell of the same version from elsewhere; an unknown digest says nothing."""
    what = f"{_plain(one.name)} {_plain(one.version)}"
    if one.sha256 and other.sha256 and one.sha256 != other.sha256:
        yield f"{what}: another file ({_plain(one.wheel or '?')} → {_plain(other.wheel or '?')})"
    elif "unknown" not in {one.source, other.source} and one.source != other.source:
        yield f"{what}: from {one.source} → {other.source}"


def _machine(one: Hardware, other: Hardware) -> Iterator[str]:
    yield from _changed("machine", one.machine, other.machine)
    yield from _changed("processor", one.processor, other.processor)
    yield from _changed("cores", str(one.cores), str(other.cores))
    if lost := sorted(set(one.features) - set(other.features)):
        yield "processor lacks " + ", ".join(map(_plain, lost))
    if gained := sorted(set(other.features) - set(one.features)):
        yield "processor also has " + ", ".join(map(_plain, gained))
    before, after = _threads(one, other), _threads(other, one)
    for library in sorted(set(before) & set(after) - {""}):
        yield from _changed(f"threads of {library}", str(before[library]), str(after[library]))


def _changed(what: str, before: str, after: str) -> Iterator[str]:
    if before != after:
        yield f"{_plain(what)} {_plain(before) or '?'} → {_plain(after) or '?'}"


def _plain(text: str) -> str:
    """Show a text of someone else's record without control characters."""
    return text if text.isprintable() else ascii(text)
