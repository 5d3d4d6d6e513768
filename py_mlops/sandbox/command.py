"""The command line that runs a program in a sandbox, and what it starts with."""

from __future__ import annotations

import json
import os
import pwd
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from py_mlops.errors import InputError
from py_mlops.sandbox.level import Level
from py_mlops.sandbox.limits import Limits
from py_mlops.sandbox.mirror import inside, layers, note, refuse, refuse_inside
from py_mlops.sandbox.needs import Needs
from py_mlops.sandbox.runtime import SHOWN

_ENTER = (
    "import sys; sys.path.append(sys.argv.pop(1)); "
    "from guest.enter import main; sys.exit(main(sys.argv[1:]))"
)
_PACKAGE = Path(__file__).parent.parent  # last on the path: we have a `secrets`, as Python has
_PASSED = ("LANG", "LANGUAGE", "TERM", "TZ")
_PATH = "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"
_SHORT = 60  # of 107 bytes that a socket's path may have
_NAME = "sandbox"


def command(
    argv: Sequence[str],
    *,
    mirror: Path,
    directory: str,
    readable: Sequence[Path] = (),
    writable: Sequence[Path] = (),
    home: str | None = None,
    user: str | None = None,
    links: Mapping[str, str] | None = None,
    network: bool = False,
    limits: Limits | None = None,
    level: Level,
) -> list[str]:
    """Return the command that runs ``argv`` with the mirror in place of the host.

    The program sees the mirror as its root, and whatever it writes lands there;
    `written` lists it. Beside that it sees the system's programs and libraries,
    the interpreter and its environment, ``readable`` and ``writable``, all at
    their own paths, and a ``/dev``, ``/proc`` and ``/etc`` of its own. What it
    writes into its environment it alone sees, and loses at its end. It runs as
    user 1000 without any privilege; where root starts it, that is nobody on the
    host.

    The process that is started stands for the program: it passes signals on,
    ends with the program's exit code or by its signal, and takes the sandbox
    along when it is killed or its parent ends. It exits with 125 when the
    sandbox cannot be made. Start it with ``inside(mirror, directory)`` as its
    working directory, at every level.

    Args:
        argv: The kernel's command; its first item is found through ``PATH``.
        mirror: Folder of the recorded files; serves one rerun. What the rerun
            leaves lies in and beside it; `clear` removes both.
        directory: The folder the program shall run in, absolute.
        readable: Further files and folders it may read, such as the guest.
        writable: Further folders it may write, such as that of its channels.
            They are shared with the host, so read what is in them with care:
            the program may have put links there.
        home: Its home folder, empty but for what the mirror has there; by
            default of the name of one's own.
        user: Its user's name; by default one's own.
        links: Links that the mirror may hold: what each holds, by its absolute path.
        network: Leave it the host's network, and what listens there.
        limits: How much it may take.
        level: As `available` says. At level ``copy`` the command is ``argv``.

    Raises:
        Hostile: When a path is not plain, would cover the system, the
            interpreter, or what is readable or writable, or the mirror holds
            anything but files and folders.
        InputError: When the mirror lacks ``directory``.
    """
    home = home or default_home()
    needs = Needs(argv[0], directory, home, readable=readable, writable=writable)
    for path in (directory, home):
        inside(mirror, path)
        refuse_inside(path, needs.places)
    refuse(mirror, needs.places, needs.folders, needs.runtime.links, links or {})
    if not inside(mirror, directory).is_dir():
        raise InputError(
            f"There is no {directory} in the mirror {mirror}.",
            hint="Create the notebook's folder in the mirror before starting the kernel.",
        )
    if level is Level.COPY:
        return list(argv)
    plan = {
        **needs.shown,
        "system": SHOWN,
        "links": needs.runtime.links,
        "mirror": os.path.realpath(mirror),
        "layers": os.path.realpath(layers(mirror)),
        "note": os.path.realpath(note(mirror)),
        "directory": directory,
        "home": home,
        "user": user or _user(),
        "name": _NAME,
        "network": network,
        "limits": (limits or Limits()).resolve(mirror),
    }
    return [sys.executable, "-I", "-S", "-c", _ENTER, str(_PACKAGE), json.dumps(plan), *argv]


def surroundings(python: Path, *, home: str | None = None) -> dict[str, str]:
    """Return the environment variables a rerun starts with: none that may be a secret.

    Args:
        python: The interpreter of its environment.
        home: As for `command`.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or name.startswith("LC_")
    }
    own = {"PATH": f"{python.parent}:{_PATH}", "HOME": home or default_home()}
    return kept | own | {"USER": _user(), "LOGNAME": _user()}


@contextmanager
def channels() -> Iterator[Path]:
    """Make a folder for a kernel's sockets, whose paths must be short; remove it in the end."""
    place = tempfile.gettempdir()
    if len(os.fsencode(place)) > _SHORT:
        place = "/tmp"  # noqa: S108 - the folder made in it is ours alone
    with tempfile.TemporaryDirectory(
        prefix="mlops-kernel-", dir=place, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def _user() -> str:
    """Return the name under which it runs: one's own, which cells show and HOME tells anyway."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user without an entry
        return "rerun"


def default_home() -> str:
    """Return the home folder of a program for which none is given: of the name of one's own."""
    home = os.path.normpath(os.path.expanduser("~"))  # noqa: PTH111 - Path.home() may raise
    return home if home.startswith("/") and home != "/" else "/tmp"  # noqa: S108 - the sandbox's own
