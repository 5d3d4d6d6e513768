"""What a lock could not pin down, in plain words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from py_mlops.environment.index import Choice
from py_mlops.environment.installed import Installed, packages
from py_mlops.records import Hole


def holes(
    found: Sequence[Installed], choices: Mapping[str, Choice], *, reached: bool
) -> list[Hole]:
    """Return what someone else would miss of an environment.

    Args:
        found: What is installed.
        choices: The file each installation was locked to.
        reached: Whether the index itself said so.
    """
    unlocked = [one for one in found if one.source == "index" and one.name not in choices]
    chosen = [(one, choices[one.name]) for one in found if one.name in choices]
    return [
        *(_own(one) for one in found if one.source != "index"),
        *(_unknown(unlocked) if reached else _unasked(unlocked)),
        *_guessed([one for one, choice in chosen if choice.file.wheel and not choice.sure]),
        *_compiled([one for one, choice in chosen if not choice.file.wheel]),
        *([] if any(one.name == "ipykernel" for one in found) else [_NO_KERNEL]),
    ]


def _hole(text: str, hint: str, *, blocking: bool) -> Hole:
    return Hole(kind="environment", text=text, hint=hint, cell=0, blocking=blocking)


_NO_KERNEL = _hole(
    "ipykernel is not installed here; a rerun adds the version of its own day.",
    "Install ipykernel in this environment, so that its version is recorded too.",
    blocking=False,
)


def _own(one: Installed) -> Hole:
    """Describe a package that came from no index; a rebuild follows no address of a record."""
    what, origin = f"{one.name} {one.version}", one.origin or "not written down"
    if one.source == "editable":
        return _hole(
            f"{what} is a working tree in editable mode ({origin}), which nobody else has.",
            "Release it to a package index and install it from there, or keep its modules "
            "beside the notebook, where a snapshot holds them as code.",
            blocking=True,
        )
    if one.origin.startswith("file:"):
        return _hole(
            f"{what} was installed from this machine ({origin}).",
            "Put the package on an index that the others can reach, and install it from there.",
            blocking=True,
        )
    return _hole(
        f"{what} was installed from an address ({origin}), which a rebuild does not follow.",
        "Put the package on an index that the others can reach, and install it from there.",
        blocking=True,
    )


def _unknown(some: Sequence[Installed]) -> list[Hole]:
    if not some:
        return []
    return [
        _hole(
            f"No package index knows {_names(some)}.",
            "Publish it to an index that the others can reach, or name the index it came from "
            "in uv's settings (UV_INDEX), then take the snapshot again.",
            blocking=True,
        )
    ]


def _unasked(some: Sequence[Installed]) -> list[Hole]:
    if not some:
        return []
    return [
        _hole(
            f"The package index could not be asked, so {packages(len(some))} "
            f"{'is' if len(some) == 1 else 'are'} recorded by name "
            "and version only, without digests.",
            "Take the snapshot again when the index is within reach.",
            blocking=False,
        )
    ]


def _guessed(some: Sequence[Installed]) -> list[Hole]:
    if not some:
        return []
    return [
        _hole(
            f"The index has no file with the tags of the installed {_names(some)}, because it was "
            "compiled here, repacked, or comes from conda or the system; a rebuild takes the "
            "index's own file of that version.",
            "Install it from the package index if its numbers must come out the same.",
            blocking=False,
        )
    ]


def _compiled(some: Sequence[Installed]) -> list[Hole]:
    if not some:
        return []
    return [
        _hole(
            f"The index has only the source of {_names(some)}; a rebuild compiles it, which runs "
            "its build script.",
            "Nothing to do for your own reruns; others are asked before it is compiled.",
            blocking=False,
        )
    ]


def _names(some: Sequence[Installed]) -> str:
    return ", ".join(f"{one.name} {one.version}" for one in some)
