from __future__ import annotations

import ast
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from py_mlops import sandbox
from py_mlops.errors import Hostile, InputError
from py_mlops.sandbox import Level

PACKAGE = Path(sandbox.__file__).parent
ELSEWHERE = "/recorded-elsewhere"  # no machine has it
USERS = ["root", "nobody"] if os.geteuid() == 0 else ["self"]

CLOSED = ["unshare", "--user", "--map-root-user", "sh", "-c"]
CLOSE = 'echo 0 > /proc/sys/user/max_user_namespaces; exec "$@"'


class Stage:
    """A host's folder, and a mirror of what was recorded in a folder of the same path."""

    def __init__(self, root: Path) -> None:
        """Make the host's folder, and a mirror with one recorded file."""
        self.host = root / "host" / "project"
        self.mirror = root / "rerun" / "mirror"
        self.host.mkdir(parents=True)
        self.record(f"{self.host}/data.csv", "recorded")

    def record(self, path: str, text: str = "recorded") -> str:
        """Put a file into the mirror and return its absolute path."""
        file = sandbox.inside(self.mirror, path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return path

    def recorded(self, path: Path | str) -> Path:
        """Return where a path lies in the mirror."""
        return sandbox.inside(self.mirror, str(path))

    def command(
        self,
        argv: Sequence[str],
        directory: Path | str = "",
        *paths: str,
        keep: Sequence[Path] = (),
    ) -> list[str]:
        """Return the wrapped command, in the project's folder unless told otherwise."""
        return sandbox.command(
            argv,
            mirror=self.mirror,
            directory=str(directory or self.host),
            paths=paths,
            keep=keep,
            level=Level.NAMESPACES,
        )

    def shell(
        self, script: str, directory: Path | str = "", *paths: str, keep: Sequence[Path] = ()
    ) -> str:
        """Run a shell script on the stage, which must succeed, and return what it printed."""
        argv = self.command(["sh", "-euc", script], directory, *paths, keep=keep)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    """Return an empty stage."""
    return Stage(tmp_path)


@pytest.fixture
def public() -> Iterator[Path]:
    """Return a folder that every user may read, with what a foreign user needs of us."""
    folder = Path(tempfile.mkdtemp(prefix="sandbox-"))
    package = folder / "py_mlops"
    (package / "guest").mkdir(parents=True)
    for name in ("__init__.py", "errors.py", "sandbox.py", "guest/enter.py"):
        shutil.copy(PACKAGE / name, package / name)
    (folder / "desk").mkdir()
    subprocess.run(["chmod", "-R", "a+rX", folder], check=True)
    (folder / "desk").chmod(0o777)
    yield folder
    shutil.rmtree(folder)


SCENARIO = """
import json, os, subprocess, sys
from pathlib import Path
from py_mlops import sandbox
desk = Path(sys.argv[1])
host, mirror = desk / "project", desk / "mirror"
host.mkdir()
(host / "stale.txt").write_text("host")
sandbox.inside(mirror, str(host)).mkdir(parents=True)
sandbox.inside(mirror, str(host / "data.csv")).write_text("recorded")
elsewhere = sandbox.inside(mirror, "/recorded-elsewhere/big.csv")
elsewhere.parent.mkdir()
elsewhere.write_text("big")
program = '''
import os
print(open("data.csv").read(), open(os.getcwd() + "/data.csv").read(),
      open("/recorded-elsewhere/big.csv").read(), os.getuid(), os.getgid(), os.getcwd(),
      os.listdir(), flush=True)
open("out.txt", "w").write("made")
last = "umount /recorded-elsewhere 2>/dev/null; test $? != 0; exit $((7 + $?))"
os.execvp("sh", ["sh", "-c", last])
'''
argv = sandbox.command(
    [sys.executable, "-ISc", program], mirror=mirror, directory=str(host),
    level=sandbox.available().level)
done = subprocess.run(argv, capture_output=True, text=True)
made = sandbox.inside(mirror, str(host / "out.txt"))
print(json.dumps([sandbox.available().level, done.returncode, done.stdout.split(), done.stderr,
    os.getuid(), os.getgid(), str(host), os.listdir(host), made.read_text(), made.stat().st_uid]))
"""


def foreign(user: str) -> tuple[list[str], str]:
    """Return the prefix that becomes a user, and a Python that this user may run."""
    if user != "nobody":
        return [], sys.executable
    prefix = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"]
    for python in (os.path.realpath(sys.executable), "/usr/bin/python3"):
        if not subprocess.run([*prefix, "test", "-x", python], check=False).returncode:
            return prefix, python
    pytest.fail("there is no Python here that another user may run")


@pytest.mark.parametrize("user", USERS)
def test_every_user(user: str, public: Path) -> None:
    """Any user's program finds recorded files where they were, and leaves the host as it is."""
    prefix, python = foreign(user)
    desk = public / "desk"
    done = subprocess.run(
        [*prefix, python, "-c", SCENARIO, desk],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(public), "HOME": str(desk)},
        cwd=desk,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    level, code, seen, errors, uid, gid, host, left, made, owner = json.loads(done.stdout)
    assert level == Level.NAMESPACES
    assert (code, errors) == (7, "")
    assert seen == ["recorded", "recorded", "big", str(uid), str(gid), host, "['data.csv']"]
    assert left == ["stale.txt"]
    assert (made, owner) == ("made", uid)


@pytest.fixture
def kernel(stage: Stage, tmp_path: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Start a real kernel on the stage, as a notebook's rerun does."""
    stage.record(f"{ELSEWHERE}/x.csv", "far away")
    (stage.host / "stale.txt").write_text("host")
    runtime = stage.host / ".runtime"
    runtime.mkdir()
    spec = {
        "argv": stage.command(
            [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"], keep=[runtime]
        ),
        "display_name": "rerun",
        "language": "python",
    }
    (tmp_path / "kernels" / "rerun").mkdir(parents=True)
    (tmp_path / "kernels" / "rerun" / "kernel.json").write_text(json.dumps(spec))
    specs = KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")])
    manager = KernelManager(
        kernel_name="rerun",
        kernel_spec_manager=specs,
        connection_file=str(runtime / "kernel.json"),
    )
    manager.start_kernel(cwd=str(stage.recorded(stage.host)))
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    if manager.is_alive():
        manager.shutdown_kernel(now=True)
    manager.context.destroy()


def evaluate(client: BlockingKernelClient, expression: str) -> object:
    """Return the value of an expression in a kernel."""
    reply = client.execute_interactive(
        "", user_expressions={"value": expression}, silent=False, store_history=False, timeout=60
    )
    value = reply["content"]["user_expressions"]["value"]
    assert value["status"] == "ok", value
    return ast.literal_eval(value["data"]["text/plain"])


def test_kernel(stage: Stage, kernel: tuple[KernelManager, BlockingKernelClient]) -> None:
    """A notebook's kernel reads by relative and absolute path, writes into the mirror, and dies."""
    manager, client = kernel
    for path in ("data.csv", f"{stage.host}/data.csv"):
        assert evaluate(client, f"open({path!r}).read()") == "recorded"
    assert evaluate(client, f"open('{ELSEWHERE}/x.csv').read()") == "far away"
    assert evaluate(client, "__import__('os').getcwd()") == str(stage.host)
    assert evaluate(client, "sorted(__import__('os').listdir())") == [".runtime", "data.csv"]
    assert evaluate(client, "open('out.csv', 'w').write('made')") == 4
    assert stage.recorded(stage.host / "out.csv").read_text() == "made"
    assert not (stage.host / "out.csv").exists()

    pid = evaluate(client, "__import__('os').getpid()")
    assert isinstance(pid, int)
    assert pid == getattr(manager.provisioner, "pid", None)
    manager.interrupt_kernel()
    assert evaluate(client, "1 + 1") == 2
    client.stop_channels()
    manager.shutdown_kernel(now=True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_kill(stage: Stage) -> None:
    """Whoever kills the process that was started has killed the program, and nothing is left."""
    running = subprocess.Popen(stage.command(["sleep", "1000"]))
    command_line = Path(f"/proc/{running.pid}/cmdline")
    while not command_line.read_bytes().startswith(b"sleep"):
        assert running.poll() is None
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=60) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["sh", "-c", "exit 42"], 42), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_exit_code(stage: Stage, argv: list[str], code: int) -> None:
    """The exit code is the program's own, and 126 or 127 when it cannot be started."""
    done = subprocess.run(stage.command(argv), capture_output=True, check=False)
    assert done.returncode == code


def test_host_mounts_stay(stage: Stage) -> None:
    """The machine's own mounts are untouched, and the mirror holds nothing new."""
    before = Path("/proc/self/mountinfo").read_text()
    files = sorted(stage.mirror.rglob("*"))
    stage.shell("true")
    assert Path("/proc/self/mountinfo").read_text() == before
    assert sorted(stage.mirror.rglob("*")) == files


def test_rest_of_the_host(stage: Stage) -> None:
    """Folders beside the recorded ones stay readable, also where a new one had to be added."""
    beside = stage.host.parent / "beside"
    beside.mkdir()
    (beside / "notes.txt").write_text("host")
    (stage.host.parent / "link").symlink_to("beside")
    new = stage.record(f"{stage.host.parent}/new/big.csv", "new")
    assert stage.shell(f"cat {beside}/notes.txt {stage.host.parent}/link/notes.txt {new}") == (
        "hosthostnew"
    )
    assert stage.shell(f"ls {stage.host.parent}").split() == ["beside", "link", "new", "project"]
    assert not Path(new).parent.exists()


def test_recorded_file_over_the_hosts(stage: Stage) -> None:
    """A single recorded file takes the place of the host's; its neighbours stay."""
    data = stage.host.parent / "data"
    data.mkdir()
    for name in ("x.csv", "y.csv"):
        (data / name).write_text("host")
    stage.record(f"{data}/x.csv")
    assert stage.shell(f"cat {data}/x.csv {data}/y.csv; echo changed > {data}/x.csv") == (
        "recordedhost"
    )
    assert (data / "x.csv").read_text() == "host"


def test_folder_of_outputs(stage: Stage) -> None:
    """A folder that the caller names is the mirror's: rewritten outputs spare the host's."""
    results = stage.host.parent / "results"
    results.mkdir()
    (results / "model.bin").write_text("host")
    stage.recorded(results).mkdir()
    stage.shell(f"test ! -e {results}/model.bin; echo made > {results}/model.bin", "", str(results))
    assert (results / "model.bin").read_text() == "host"
    assert stage.recorded(results / "model.bin").read_text() == "made\n"


def test_other_kind_on_the_host(stage: Stage) -> None:
    """Files and folders come through where the host has a folder, a file or a link of that name."""
    data = stage.host.parent / "data"
    (data / "was-folder").mkdir(parents=True)
    (data / "was-file").write_text("host")
    (data / "was-link").symlink_to("was-file")
    (data / "dangling").symlink_to("nowhere")
    (data / "kept").write_text("host")
    for name in ("was-folder", "was-file/x", "was-link", "dangling/x"):
        stage.record(f"{data}/{name}")
    script = f"cd {data}; cat was-folder was-file/x was-link dangling/x kept"
    assert stage.shell(script) == "recorded" * 4 + "host"
    assert (data / "was-file").read_text() == "host"


def test_linked_folder(stage: Stage) -> None:
    """Where the host reaches the folder through a link, the files are found both ways."""
    disk = stage.host.parent / "disk"
    disk.mkdir()
    (stage.host.parent / "linked").symlink_to(disk)
    stage.record(f"{stage.host.parent}/linked/x.csv")
    assert stage.shell(f"cat {stage.host.parent}/linked/x.csv {disk}/x.csv") == "recordedrecorded"
    assert list(disk.iterdir()) == []


def test_keep(stage: Stage) -> None:
    """What is kept stays inside a recorded folder, as the host has it, after a restart too."""
    venv, socket = stage.host / "envs" / "venv", stage.host / "kernel.json"
    venv.mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("host")
    (stage.host / "envs" / "link").symlink_to(venv)
    (stage.host / "stale.txt").write_text("host")
    socket.write_text("host")
    kept = [stage.host / "envs" / "link", venv, socket, stage.host / "absent"]
    script = (
        "cat data.csv envs/venv/pyvenv.cfg envs/link/pyvenv.cfg kernel.json; test ! -e stale.txt"
    )
    argv = stage.command(["sh", "-euc", script], keep=kept)
    for _ in range(2):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("recordedhosthosthost", 0), done.stderr
    with pytest.raises(Hostile, match=r"pyvenv\.cfg|venv"):
        stage.command(["true"], "", f"{venv}/pyvenv.cfg", keep=kept)


def test_home_as_notebook_folder(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the home folder only plain files give way; subfolders and hidden files stay."""
    monkeypatch.setenv("HOME", str(stage.host))
    for name in (".cache/wheel", "notes/n.txt", "results/old.csv", "data/other.csv"):
        (stage.host / name).parent.mkdir(exist_ok=True)
        (stage.host / name).write_text("host")
    (stage.host / ".profile").write_text("host")
    (stage.host / "stale.csv").write_text("host")
    stage.record(f"{stage.host}/data/x.csv")
    stage.recorded(stage.host / "results").mkdir()
    script = "cat .cache/wheel .profile notes/n.txt data.csv data/x.csv; echo; ls -A . results"
    argv = stage.command(["sh", "-euc", script], "", f"{stage.host}/results")
    for _ in range(2):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        content, *names = done.stdout.split()
        assert content == "host" * 3 + "recorded" * 2, done.stderr
        assert names == [
            ".:", ".cache", ".profile", "data", "data.csv", "notes", "results", "results:",
        ]  # fmt: skip
    stage.shell("echo made > out.csv")
    assert stage.recorded(stage.host / "out.csv").read_text() == "made\n"
    assert not (stage.host / "out.csv").exists()


def test_folder_above_home(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A recorded folder above the home folder hides its neighbours, not the home folder."""
    monkeypatch.setenv("HOME", str(stage.host))
    (stage.host / "notes.txt").write_text("host")
    (stage.host.parent / "beside.txt").write_text("host")
    script = "cat project/notes.txt project/data.csv; test ! -e beside.txt"
    assert stage.shell(script, stage.host.parent) == "hostrecorded"


@pytest.mark.parametrize("directory", ["/", tempfile.gettempdir()])
def test_common_folders(stage: Stage, directory: str) -> None:
    """A notebook in the root or in the folder of temporary files takes nothing from them."""
    name = f"recorded-{os.getpid()}.csv"
    path = stage.record(str(Path(directory, name)))
    assert stage.shell(f"cat {name} {stage.host}/data.csv; pwd", directory) == (
        f"recordedrecorded{directory}"
    )
    assert not Path(path).exists()


def test_crowded_folder(stage: Stage) -> None:
    """Tens of thousands of recorded files in one folder come as one folder."""
    data = stage.host.parent / "images"
    (data / "sub").mkdir(parents=True)
    (data / "sub" / "s.txt").write_text("host")
    for number in range(10_001):
        stage.record(f"{data}/{number}.png", "")
    script = f"ls {data}/*.png | wc -l; wc -l < /proc/self/mountinfo; cat {data}/sub/s.txt"
    files, mounts, kept = stage.shell(script).split()
    assert (files, kept) == ("10001", "host")
    assert int(mounts) < 1000


def test_sandbox_in_a_sandbox(stage: Stage, tmp_path: Path) -> None:
    """A rerun may itself rerun, and its recorded folder may replace a file in the root."""
    inner = Stage(tmp_path / "inner")
    inner.record(f"{ELSEWHERE}/x.csv", "inner")
    stage.record(ELSEWHERE, "outer")
    nested = shlex.join(inner.command(["cat", f"{ELSEWHERE}/x.csv"]))
    assert stage.shell(f"cat {ELSEWHERE}; {nested}") == "outerinner"


@pytest.mark.parametrize(
    "path",
    [
        "data.csv",
        "/data/../etc/x",
        "/data/./x",
        "/data//x",
        "//data/x",
        "/data/",
        "/a\0b",
        "",
        "~/x",
    ],
)
def test_paths_that_are_not_plain(stage: Stage, path: str) -> None:
    """A path that could lead out of the mirror is refused before anything is made of it."""
    with pytest.raises(Hostile, match="not a plain absolute path"):
        stage.command(["true"], "", path)


@pytest.mark.parametrize("listed", [True, False])
@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/x.so", "/bin/sh", "/etc/passwd", "/proc/self/environ", "/dev/null", "/sys/x",
        f"{sys.prefix}/lib/sitecustomize.py", os.path.realpath(sys.executable),
    ],
)  # fmt: skip
def test_system_is_not_covered(stage: Stage, path: str, listed: bool) -> None:
    """Nothing recorded takes the place of the system, the interpreter or its environment."""
    if not listed:
        stage.record(path)
    with pytest.raises(Hostile, match=r"would change|in the place of") as refused:
        stage.command([sys.executable], "", *([path] if listed else []))
    assert any(repr(str(part)) in refused.value.message for part in (path, *Path(path).parents))


def test_system_behind_a_link(stage: Stage) -> None:
    """A link on the host does not lead recorded files into the system."""
    (stage.host.parent / "link").symlink_to("/etc")
    stage.record(f"{stage.host.parent}/link/passwd")
    with pytest.raises(Hostile, match="would change /etc"):
        stage.command(["true"])


def test_file_in_place_of_a_needed_folder(stage: Stage) -> None:
    """A recorded file that would hide the home folder, or one above it, is refused."""
    home = Path(os.environ["HOME"])
    mirror = stage.mirror.with_name("other")
    stage.mirror = mirror
    stage.recorded(stage.host).mkdir(parents=True)
    other = home.parent if not stage.host.is_relative_to(home.parent) else home
    stage.record(str(other))
    with pytest.raises(Hostile, match="in the place of a folder"):
        stage.command(["true"])


def test_link_in_the_mirror(stage: Stage) -> None:
    """A mirror with a link or a pipe in it is refused: whoever made it was misled."""
    link = stage.recorded(stage.host / "link")
    link.symlink_to("/etc/shadow")
    with pytest.raises(Hostile, match="neither a file nor a folder"):
        stage.command(["true"])
    link.unlink()
    os.mkfifo(link)
    with pytest.raises(Hostile, match="neither a file nor a folder"):
        stage.command(["true"])


def test_directory_is_missing(stage: Stage) -> None:
    """A notebook's folder that was never made in the mirror is asked for by name."""
    with pytest.raises(InputError, match="There is no /nowhere"):
        stage.command(["true"], "/nowhere")


def test_is_system() -> None:
    """Files of the system are told from those a record may bring along."""
    assert sandbox.is_system("/usr/share/dict/words")
    assert sandbox.is_system("/bin/sh")
    assert not sandbox.is_system("/usrdata/x.csv")
    assert not sandbox.is_system(f"{ELSEWHERE}/x.csv")


def test_no_namespaces(stage: Stage) -> None:
    """Where the system opens no namespaces, the level is lower and the reason is told."""
    program = "from py_mlops import sandbox; print(*vars(sandbox.available()).values(), sep='|')"
    done = subprocess.run(
        [*CLOSED, CLOSE, "sh", sys.executable, "-c", program],
        env={**os.environ, "PYTHONPATH": str(PACKAGE.parent)},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    level, why = done.stdout.strip().split("|")
    assert level == Level.COPY
    assert "user namespaces" in why
    closed = [*CLOSED, CLOSE, "sh", *stage.command(["echo", "ran"])]
    done = subprocess.run(closed, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (125, "")


def test_copy(stage: Stage) -> None:
    """At level copy the command is unchanged, and absolute paths are named as out of reach."""
    argv = ["cat", "data.csv"]
    unchanged = sandbox.command(
        argv, mirror=stage.mirror, directory=str(stage.host), level=Level.COPY
    )
    assert unchanged == argv
    cwd = sandbox.inside(stage.mirror, str(stage.host))
    assert subprocess.run(argv, cwd=cwd, capture_output=True, check=True).stdout == b"recorded"
    requested = ["data.csv", "/data/x.csv", "../y.csv", "~/z.csv", "/data/x.csv"]
    assert sandbox.unreachable(requested, Level.COPY) == ["/data/x.csv", "~/z.csv"]
    assert sandbox.unreachable(requested, Level.NAMESPACES) == []
