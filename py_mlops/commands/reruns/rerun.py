"""Rerun: restore a snapshot's inputs into a private folder and execute its program there."""

from __future__ import annotations

import json
import re
import shutil
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from py_mlops import sandbox
from py_mlops.commands.reruns.world import World, home_of, lay_out_world, variables_of
from py_mlops.commands.snapshots.handover import read_handover
from py_mlops.data import replay, versions
from py_mlops.data.results import Result
from py_mlops.data.rules import IgnoreRules
from py_mlops.environment.build import Built, build
from py_mlops.environment.bytecode import compile_later
from py_mlops.errors import InputError, RerunFailed
from py_mlops.guest.chance import SETTINGS
from py_mlops.guest.versions import FOLDER
from py_mlops.notebook.compiled import compiled
from py_mlops.notebook.execution import Executed, KernelCommand, execute
from py_mlops.notebook.replay import plan
from py_mlops.notebook.ship import guest_zip
from py_mlops.progress import Report
from py_mlops.records import History, Request, Snapshot, canonical
from py_mlops.records.handover import Handover
from py_mlops.store.base import Blobs
from py_mlops.workspace import Workspace

_MOST_WRITTEN = 1000
_TAPE = "tape"
_FETCHED = "fetched"
_CHANCE = "chance.json"
_VERSIONS = "versions"
_NEEDED = ("HOME", "PATH")
_OWN = ("LD_", "PYTHON", "MLOPS_")
_STEERING = re.compile(
    r"SHELL|TERM|COLORTERM|(GIT_)?PAGER|EDITOR|VISUAL|DISPLAY|TMPDIR|TEMP|TMP|OLDPWD|PWD|SHLVL|_"
    r"|.*(CA_BUNDLE|CA_CERTS|CERT_FILE|CERT_DIR)|(NO|FORCE|CLI)_?COLOR.*|MPLBACKEND"
    r"|(XDG|JPY|JUPYTER|IPYTHON|PIP|UV|CONDA|GIT|DBUS|SSH)_?.*"
)
"""Variables that steer programs rather than tell them something: a stand-in would break them.

``os.environ.copy()`` reads every variable there is, so one of these among those that were
read says little."""

NOT_KEPT = "value-not-kept"
"""What an environment variable holds in a rerun when the record tells nothing of its value."""


@dataclass(frozen=True)
class Given:
    """What a person gives a rerun beside its snapshot.

    Attributes:
        timeout: Seconds one cell may take; ``None`` for no limit.
        network: Whether it may use the network, for what its tape does not answer.
        variables: Environment variables, whose values no record keeps.
        chance: Whether it begins with the recorded generators and hash seed; without
            them it shows how much training varies by itself.
        compiling: Whether source archives of its environment may be compiled.
    """

    timeout: float | None = None
    network: bool = False
    variables: Mapping[str, str] = field(default_factory=dict)
    chance: bool = True
    compiling: bool = False


@dataclass(frozen=True)
class Rerun:
    """What one rerun came to.

    Attributes:
        handover: What the rerun's kernel measured and saw.
        payload: The handover's files by name, read into memory.
        executed: The executed notebook, its failure if any, and its seconds.
        built: The environment it ran in.
        isolation: How it was kept from the host, and why not better.
        network: Whether it had the host's network.
        mirror: The folder that stood for the root of the author's machine.
        written: The first files it made or changed, but those that the rules leave out;
            none at level ``copy``.
        results: The recorded run's outputs, beside this one's; none when a cell failed,
            and none at level ``copy``.
    """

    handover: Handover | None
    payload: dict[str, bytes]
    executed: Executed
    built: Built
    isolation: sandbox.Isolation
    network: bool
    mirror: str
    written: list[sandbox.Written]
    results: list[Result]


def rerun(
    workspace: Workspace,
    snapshot: Snapshot,
    history: History,
    given: Given,
    report: Report,
) -> Rerun:
    """Execute a snapshot's program in its own environment on its own data.

    Inputs and loose modules are restored under a mirror of their absolute
    paths; files that the recorded run first wrote are not, so that a rerun
    cannot read yesterday's result. Metrics and answers are measured in the
    rerun's own kernel after the last cell.

    Args:
        workspace: Where the bytes are.
        snapshot: What to rerun.
        history: Its executed cells.
        given: What a person gives it beside the snapshot.
        report: Told about progress.

    Returns:
        What it came to, also when a cell failed.

    Raises:
        EnvironmentFailure: When the environment cannot be rebuilt.
        Corrupt, Missing: When stored bytes are damaged or gone.
        Hostile: When a recorded path may not be restored.
        RerunFailed: When the kernel died or handed over nothing.
    """
    built = rebuilt(workspace, snapshot, report, compiling=given.compiling)
    with _folder(workspace.cache) as folder, sandbox.channels() as channels:
        (folder / "handover").mkdir()
        isolation = sandbox.available()
        blobs = workspace.store.blobs
        start = _Start.prepare(workspace, snapshot, built, folder, given, channels=channels)
        world = lay_out_world(
            snapshot,
            history,
            blobs,
            folder / "mirror",
            needs=start.needs,
            isolation=isolation.level,
            report=report,
        )
        replay.lay_out(snapshot.answers, blobs, folder / _TAPE, report)
        start.take_downloads(world, snapshot, history, blobs, folder / _FETCHED)
        _lay_out_rest(snapshot, history, blobs, folder, world)
        executed = execute(
            plan(history, name=snapshot.request.name),
            kernel=start.kernel(world, isolation.level),
            directory=sandbox.inside(world.mirror, snapshot.program.directory),
            report=report,
            timeout=given.timeout,
            closing=closing_code(snapshot.request, folder / "handover", keep_model=False),
        )
        environment = built.python.parent.parent.resolve()
        compile_later(built.base, environment, sandbox.compiled(world.mirror, environment))
        handover, payload = (None, {}) if executed.failed else _measured(folder / "handover")
        comparable = isolation.level is sandbox.Level.NAMESPACES and not executed.failed
        networked = given.network or isolation.level is sandbox.Level.COPY
        return Rerun(
            handover,
            payload,
            executed,
            built,
            isolation,
            networked,
            str(world.mirror),
            _written(workspace, world.mirror),
            world.results(snapshot, blobs) if comparable else [],
        )


def _lay_out_rest(
    snapshot: Snapshot, history: History, blobs: Blobs, folder: Path, world: World
) -> None:
    """Write what the kernel puts in place itself, at its points of the program."""
    edited = snapshot.program.modules
    if versions.has_versions(edited):
        versions.lay_out(edited, history, blobs, folder / _VERSIONS, world.place)
    if snapshot.randomness.state is not None:
        blobs.copy_to(snapshot.randomness.state.digest, folder / _CHANCE)


def rebuilt(
    workspace: Workspace, snapshot: Snapshot, report: Report, *, compiling: bool = False
) -> Built:
    """Return a snapshot's environment, built from what the store has of it, see `build`."""
    blobs = workspace.store.blobs
    return build(
        snapshot.environment,
        blobs.read(snapshot.environment.lock.digest),
        conda=blobs.read(conda.packages.digest) if (conda := snapshot.environment.conda) else None,
        cache=workspace.cache,
        copy_to=blobs.copy_to,
        report=report,
        compiling=compiling,
    )


def _written(workspace: Workspace, mirror: Path) -> list[sandbox.Written]:
    rules = IgnoreRules((), workspace.settings.ignore)
    found = sandbox.written(mirror, _MOST_WRITTEN)
    return [one for one in found if not rules.reason(one.path)]


@contextmanager
def _folder(cache: Path) -> Iterator[Path]:
    folder = cache / "reruns" / uuid.uuid4().hex
    folder.mkdir(parents=True)
    try:
        yield folder
    finally:
        sandbox.clear(folder / "mirror")
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class _Start:
    """How a rerun's kernel is started.

    Attributes:
        argv: The kernel's own command.
        environment: Its environment variables.
        readable: What it may read beside its environment.
        writable: What it may write beside its mirror.
        directory: The folder that it runs in.
        home: Its home folder.
        user: Its user's name; empty for one's own.
        needs: What the machine must keep for it.
        network: Whether it has the host's network.
    """

    argv: list[str]
    environment: dict[str, str]
    readable: list[Path]
    writable: list[Path]
    directory: str
    home: str
    user: str
    needs: sandbox.Needs
    network: bool

    @classmethod
    def prepare(
        cls,
        workspace: Workspace,
        snapshot: Snapshot,
        built: Built,
        folder: Path,
        given: Given,
        *,
        channels: Path,
    ) -> _Start:
        """Settle how a snapshot's kernel starts, before anything of the record is laid out."""
        # By the interpreter itself: a start of the environment's would run what its packages
        # put there.
        guest = guest_zip(workspace.cache)
        if built.base is not None:
            guest = compiled(guest, str(built.base))
        argv = [str(built.python), str(guest), "--mode", "rerun", "-f", "{connection_file}"]
        readable, writable = [guest, folder / _TAPE], [folder / "handover", channels]
        directory = snapshot.program.directory
        plain = sandbox.Needs(
            argv[0], directory, sandbox.default_home(), readable=readable, writable=writable
        )
        home = home_of(snapshot, plain.holds) or sandbox.default_home()
        environment = start_variables(snapshot, built, home, chance=given.chance)
        environment |= dict(given.variables) | {"MLOPS_HANDOVER": str(folder)}
        environment["MLOPS_TAPE"] = str(folder / _TAPE)
        if given.network:
            environment["MLOPS_TAPE_OPEN"] = "1"
        if snapshot.randomness.state is not None and given.chance:
            environment["MLOPS_CHANCE"] = str(folder / _CHANCE)
            readable.append(folder / _CHANCE)
        if versions.has_versions(snapshot.program.modules):
            environment[FOLDER] = str(folder / _VERSIONS)
            readable.append(folder / _VERSIONS)
        needs = sandbox.Needs(argv[0], directory, home, readable=readable, writable=writable)
        user = snapshot.surroundings.user
        return cls(
            argv, environment, readable, writable, directory, home, user, needs, given.network
        )

    def take_downloads(
        self, world: World, snapshot: Snapshot, history: History, blobs: Blobs, folder: Path
    ) -> None:
        """Let a kernel without a network find stand-ins for programs that downloaded."""
        programs = world.fetched(snapshot, history, blobs, folder, self.argv[0])
        if programs is not None and not self.network:
            self.readable.append(folder)
            self.environment["PATH"] = f"{programs}:{self.environment['PATH']}"

    def kernel(self, world: World, level: sandbox.Level) -> KernelCommand:
        """Return the kernel's command in its sandbox."""
        wrapped = sandbox.command(
            self.argv,
            mirror=world.mirror,
            directory=self.directory,
            readable=self.readable,
            writable=self.writable,
            home=self.home,
            user=self.user or None,
            links=world.links,
            network=self.network,
            level=level,
        )
        return KernelCommand(argv=wrapped, env=self.environment, channels=self.writable[1])


def start_variables(snapshot: Snapshot, built: Built, home: str, *, chance: bool) -> dict[str, str]:
    """Return the environment variables of a rerun: nothing of the host's that could matter."""
    environment = {
        variable.name: variable.known or NOT_KEPT
        for variable in snapshot.capture.variables
        if variable.was_set and (variable.known or not _STEERING.fullmatch(variable.name))
    }
    # Later ones win: a record must not choose where programs are found, nor whose home it is.
    environment |= {
        name: value for name, value in snapshot.randomness.settings.items() if name in SETTINGS
    }
    environment = {
        name: value
        for name, value in environment.items()
        if not name.startswith(_OWN) and "=" not in name and "\0" not in name
    }
    environment |= sandbox.surroundings(built.python, home=home) | variables_of(snapshot)
    if user := snapshot.surroundings.user:
        environment |= {"USER": user, "LOGNAME": user}
    for variable in snapshot.capture.variables:
        if not variable.was_set and variable.name not in _NEEDED:
            environment.pop(variable.name, None)
    if chance and snapshot.randomness.hash_seed.isdigit():
        environment["PYTHONHASHSEED"] = snapshot.randomness.hash_seed
    environment["MLOPS_PARAMETERS"] = json.dumps(snapshot.parameters)
    return environment


def stood_in(snapshot: Snapshot) -> list[str]:
    """Return the names of variables that hold a stand-in in a rerun; see `start_variables`."""
    kept = {*snapshot.randomness.settings, *snapshot.surroundings.variables, *_NEEDED}
    return [
        variable.name
        for variable in snapshot.capture.variables
        if variable.was_set
        and not variable.known
        and variable.name not in kept
        and not variable.name.startswith(_OWN)
        and not _STEERING.fullmatch(variable.name)
    ]


def closing_code(request: Request, folder: Path, *, keep_model: bool) -> str:
    """Return the code that hands a headless run over; see `guest.session.hand_over_end`.

    A rerun's model is judged by its answers, so only the first run's is kept.
    """
    wanted = canonical(request).decode()
    return (
        "__import__('importlib').import_module('mlops_guest.session')"
        f".hand_over_end({wanted!r}, {str(folder)!r}, {keep_model!r})"
    )


def _measured(folder: Path) -> tuple[Handover, dict[str, bytes]]:
    if not (folder / "handover.json").exists() or (folder / "handover.json").is_symlink():
        raise RerunFailed(
            "The rerun came to its end, but its kernel handed no measurement over.",
            hint="Run it once more; if it happens again, report it with the notebook.",
        )
    try:
        handover = read_handover(folder)
    except InputError as error:
        raise RerunFailed(
            f"The rerun's measurement is unusable. {error.message}", hint=error.hint
        ) from error
    # The rerun could put links there, which lead to files of whoever reads them.
    files = [path for path in folder.iterdir() if path.is_file() and not path.is_symlink()]
    return handover, {path.name: path.read_bytes() for path in files}
