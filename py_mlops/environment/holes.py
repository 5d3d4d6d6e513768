"""What a lock could not pin down and the store does not hold, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py_mlops.environment.index import Choice
from py_mlops.environment.installed import Installed
from py_mlops.records import Hole

_SHOWN = 5
# Their packages stand on libraries beside Python's, so they are no use in a wheel.
FOREIGN = frozenset({"conda", "debian"})


def holes(found: Sequence[Installed], choices: Mapping[str, Choice]) -> list[Hole]:
    """Return what someone else would miss of an environment, as far as its lock tells.

    Args:
        found: What is installed.
        choices: The file each installation was locked to.
    """
    guessed = [
        one
        for one in found
        if one.name in choices and not choices[one.name].sure and one.installer in FOREIGN
    ]
    unpinned = [one for one in found if one.installer in FOREIGN and one.name not in choices]
    return [
        *_guessed(guessed),
        *_foreign(unpinned),
        *([] if any(one.name == "ipykernel" for one in found) else [_NO_KERNEL]),
    ]


def _hole(text: str, hint: str, *, blocking: bool) -> Hole:
    return Hole(kind="environment", text=text, hint=hint, cell=0, blocking=blocking)


_NO_KERNEL = _hole(
    "ipykernel is not installed here; a rerun adds the version of its own day.",
    "Install ipykernel in this environment, so that its version is recorded too.",
    blocking=False,
)


def _guessed(some: Sequence[Installed]) -> list[Hole]:
    if not some:
        return []
    return [
        _hole(
            f"{_names(some)} {'comes' if len(some) == 1 else 'come'} from conda or the system; a "
            "rebuild without conda takes the package index's own file of that version.",
            "Have py-mlops[conda] where conda's packages shall be built again; otherwise install "
            "it from the package index if its numbers must come out the same.",
            blocking=False,
        )
    ]


def _foreign(some: Sequence[Installed]) -> list[Hole]:
    if not some:
        return []
    return [
        _hole(
            f"{_names(some)} {'comes' if len(some) == 1 else 'come'} from conda or the system, and "
            "no package index has that version.",
            "Install it from the package index; if the program does not use it, nothing is lost.",
            blocking=False,
        )
    ]


def not_kept(one: Installed, why: str) -> Hole:
    """Describe a package that nobody else can get, and of which no wheel could be kept.

    Args:
        one: The package.
        why: Why not.
    """
    where = f" ({one.origin})" if one.origin else ""
    return _hole(
        f"No wheel of {one.name} {one.version}{where} could be kept: {why}.",
        "Make `uv build --wheel` work in its folder, or install it from a package index."
        if one.source == "editable"
        else "Install it again with pip or uv, from a package index if there is one that has it.",
        blocking=True,
    )


def not_fetched(some: Sequence[Installed]) -> list[Hole]:
    """Describe packages of which the index's own wheel was wanted and could not be had."""
    if not some:
        return []
    return [
        _hole(
            f"The index's own wheel of {_names(some)} could not be fetched; what is kept was "
            "packed again from the installed files.",
            "Nothing to do for a rerun; for the index's file, snapshot again when it is in reach.",
            blocking=False,
        )
    ]


def altered(one: Installed, changed: Sequence[str], gone: Sequence[str]) -> list[Hole]:
    """Describe an installation whose files are not those that were installed."""
    if not changed and not gone:
        return []
    what = [f"{_files(changed)} changed"] if changed else []
    what += [f"{_files(gone)} missing"] if gone else []
    return [
        _hole(
            f"{one.name} {one.version} is not as it was installed: {' and '.join(what)}. "
            "It is kept as it is.",
            "Install it again if nobody meant to change it.",
            blocking=False,
        )
    ]


def conda_not_kept(some: Sequence[str]) -> list[Hole]:
    """Describe conda packages whose files were wanted and could not be had."""
    if not some:
        return []
    shown, more = ", ".join(some[:_SHOWN]), len(some) - _SHOWN
    return [
        _hole(
            f"conda's own file of {shown}{f' and {more} more' if more > 0 else ''} is not at hand, "
            "and was not kept.",
            "Install py-mlops[conda], which fetches it from its channel; then snapshot again.",
            blocking=False,
        )
    ]


def too_large(one: Installed, size: int) -> Hole:
    """Describe a working tree whose changes are more than is kept of them."""
    return _hole(
        f"What was changed in the working tree of {one.name} since its commit has {size:,} bytes, "
        "and is not kept; its wheel is.",
        "Commit the changes, or let .gitignore name the files that are none.",
        blocking=False,
    )


def replaced(name: str, loaded: str, version: str, cell: int) -> Hole:
    """Describe a package that was replaced under the running program."""
    return Hole(
        kind="environment",
        text=f"{name} {version} was installed while {loaded} was loaded; the program went on with "
        f"{loaded}, and a rerun begins with {version}.",
        hint="Restart the kernel, run the notebook again and take the snapshot then.",
        cell=cell,
        blocking=True,
    )


def _files(names: Sequence[str]) -> str:
    shown = ", ".join(names[:_SHOWN])
    more = len(names) - _SHOWN
    return (
        f"{shown} and {more} more are"
        if more > 0
        else f"{shown} {'is' if len(names) == 1 else 'are'}"
    )


def _names(some: Sequence[Installed]) -> str:
    shown = ", ".join(f"{one.name} {one.version}" for one in some[: 4 * _SHOWN])
    more = len(some) - 4 * _SHOWN
    return f"{shown} and {more} more" if more > 0 else shown
