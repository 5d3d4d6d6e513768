from __future__ import annotations

import ast
import getpass
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import KernelManager

from py_mlops import sandbox
from py_mlops.errors import Hostile, InputError
from py_mlops.sandbox import Level, Limits, Written
from tests.sandboxed import PACKAGE, USERS, public, run_as

ELSEWHERE = "/recorded-elsewhere"  # no machine has it

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
        *,
        readable: Sequence[Path] = (),
        writable: Sequence[Path] = (),
        limits: Limits | None = None,
        network: bool = False,
    ) -> list[str]:
        """Return the wrapped command, in the project's folder unless told otherwise."""
        return sandbox.command(
            argv,
            mirror=self.mirror,
            directory=str(directory or self.host),
            readable=readable,
            writable=writable,
            limits=limits,
            network=network,
            level=Level.NAMESPACES,
        )

    def run(self, argv: Sequence[str], **options: Limits) -> subprocess.CompletedProcess[str]:
        """Run a program on the stage."""
        wrapped = self.command(argv, limits=options.get("limits"))
        return subprocess.run(wrapped, capture_output=True, text=True, check=False, timeout=100)

    def shell(self, script: str, directory: Path | str = "") -> str:
        """Run a shell script on the stage, which must succeed, and return what it printed."""
        argv = self.command(["sh", "-euc", script], directory)
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """Return an empty stage."""
    made = Stage(tmp_path)
    yield made
    sandbox.clear(made.mirror)


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
open("/recorded-elsewhere/big.csv", "a").write("ger")
os.execvp("sh", ["sh", "-c", "exit 7"])
'''
argv = sandbox.command(
    [sys.executable, "-ISc", program], mirror=mirror, directory=str(host),
    level=sandbox.available().level)
done = subprocess.run(argv, capture_output=True, text=True)
made = sandbox.inside(mirror, str(host / "out.txt"))
written = [(one.path.replace(str(host), ""), one.size) for one in sandbox.written(mirror)]
print(json.dumps([sandbox.available().level, done.returncode, done.stdout.split(), done.stderr,
    os.getuid(), str(host), os.listdir(host), made.read_text(), made.stat().st_uid, written]))
sandbox.clear(mirror)
print(os.listdir(desk))
"""


@pytest.mark.parametrize("user", USERS)
def test_every_user(user: str) -> None:
    """Any user's program finds recorded files where they were, and leaves the host as it is."""
    with public() as folder:
        done = run_as(user, folder, ["-c", SCENARIO, str(folder / "desk")])
    assert done.returncode == 0, done.stderr
    first, left_on_desk = done.stdout.splitlines()
    level, code, seen, errors, uid, host, left, made, owner, written = json.loads(first)
    assert level == Level.NAMESPACES
    assert (code, errors) == (7, "")
    assert seen == ["recorded", "recorded", "big", "1000", "1000", host, "['data.csv']"]
    assert left == ["stale.txt"]
    assert (made, owner) == ("made", uid)
    assert sorted(written) == [["/out.txt", 4], ["/recorded-elsewhere/big.csv", 6]]
    assert left_on_desk == "['project']"


@pytest.fixture
def kernel(stage: Stage, tmp_path: Path) -> Iterator[tuple[KernelManager, BlockingKernelClient]]:
    """Start a real kernel on the stage, as a notebook's rerun does."""
    stage.record(f"{ELSEWHERE}/x.csv", "far away")
    (stage.host / "stale.txt").write_text("host")
    with sandbox.channels() as channels:
        argv = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        wrapped = stage.command(argv, writable=[channels])
        spec = {"argv": wrapped, "display_name": "rerun", "language": "python"}
        (tmp_path / "kernels" / "rerun").mkdir(parents=True)
        (tmp_path / "kernels" / "rerun" / "kernel.json").write_text(json.dumps(spec))
        manager = KernelManager(
            kernel_name="rerun",
            kernel_spec_manager=KernelSpecManager(kernel_dirs=[str(tmp_path / "kernels")]),
            connection_file=str(channels / "kernel.json"),
            transport="ipc",
        )
        environment = sandbox.surroundings(Path(sys.executable))
        manager.start_kernel(cwd=str(stage.recorded(stage.host)), env=environment)
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
    assert evaluate(client, "sorted(__import__('os').listdir())") == ["data.csv"]
    assert evaluate(client, "open('out.csv', 'w').write('made')") == 4
    assert not (stage.host / "out.csv").exists()
    assert Written(f"{stage.host}/out.csv", 4) in sandbox.written(stage.mirror)

    message = client.execute(
        "import subprocess; print('up', flush=True); subprocess.run(['sleep', '1000'])"
    )
    while client.get_iopub_msg(timeout=60)["header"]["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    while (reply := client.get_shell_msg(timeout=60))["parent_header"]["msg_id"] != message:
        pass
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    assert evaluate(client, "1 + 1") == 2

    manager.restart_kernel(now=True)
    client.wait_for_ready(timeout=60)
    assert evaluate(client, "open('out.csv').read()") == "made"
    pid = getattr(manager.provisioner, "pid", None)
    assert isinstance(pid, int)
    manager.shutdown_kernel(now=True)
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def started(stage: Stage, script: str) -> tuple[subprocess.Popen[str], Path]:
    """Start a script that makes the file `up` when it runs; wait for that."""
    argv = stage.command(["sh", "-c", f"{script} & touch up; wait"])
    running = subprocess.Popen(argv, text=True)
    up = stage.recorded(stage.host / "up")
    while not up.exists():
        assert running.poll() is None
        time.sleep(0.01)
    return running, up


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_kill(stage: Stage, number: int) -> None:
    """Whoever kills the process that was started has killed the program, and nothing is left."""
    marker = f"10{os.getpid()}.{int(number)}"
    running, _ = started(stage, f"setsid sleep {marker}")
    running.send_signal(number)
    assert running.wait(timeout=60) == -number
    assert gone(marker)


def test_parent_ends(stage: Stage) -> None:
    """When the process that started a sandbox is gone, the sandbox goes too."""
    marker = f"20{os.getpid()}.0"
    argv = stage.command(["sh", "-c", f"touch up; sleep {marker}"])
    program = (
        "import subprocess, sys, time, pathlib; subprocess.Popen(sys.argv[2:])\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)"
    )
    up = str(stage.recorded(stage.host / "up"))
    subprocess.run([sys.executable, "-c", program, up, *argv], check=True, timeout=60)
    assert gone(marker)


def gone(marker: str) -> bool:
    """Wait until no process of this machine has a word in its command line."""
    for _ in range(600):
        lines = []
        for process in Path("/proc").glob("[0-9]*"):
            if process.name == str(os.getpid()):
                continue
            try:
                lines.append((process / "cmdline").read_bytes().split(b"\0"))
            except OSError:
                continue
        if not any(line[:2] == [b"sleep", marker.encode()] for line in lines):
            return True
        time.sleep(0.05)
    return False


@pytest.mark.parametrize(
    ("argv", "code"),
    [(["sh", "-c", "exit 42"], 42), (["no-such-program"], 127), (["/etc/passwd"], 126)],
)
def test_exit_code(stage: Stage, argv: list[str], code: int) -> None:
    """The exit code is the program's own, and 126 or 127 when it cannot be started."""
    assert stage.run(argv).returncode == code


def test_host_mounts_stay(stage: Stage) -> None:
    """The machine's own mounts are untouched."""
    before = Path("/proc/self/mountinfo").read_text()
    stage.shell("true")
    assert Path("/proc/self/mountinfo").read_text() == before


def test_host_is_not_seen(stage: Stage) -> None:
    """Of the folders beside the recorded ones nothing is there, and a sandbox has no neighbours."""
    (stage.host.parent / "notes.txt").write_text("host")
    assert (
        stage.shell(f"ls {stage.host.parent} {stage.mirror.parent} 2>&1 || true").split()[-1] != ""
    )
    assert "notes.txt" not in stage.shell(f"ls {stage.host.parent}")
    assert stage.shell("ls -d /srv /mnt /media /opt 2>/dev/null || true") in (
        "",
        str(Path.home()),
    )
    processes = stage.shell("ls -d /proc/[0-9]* | wc -l")
    assert int(processes) < 10


def test_writes_anywhere(stage: Stage) -> None:
    """What a program writes, wherever it likes, is caught and listed with its size."""
    stage.shell("mkdir /results; echo made > /results/m; printf xy > /tmp/t; echo z >> data.csv")
    stage.shell("ln -s /etc/passwd /results/link")
    assert set(sandbox.written(stage.mirror)) == {
        Written(f"{stage.host}/data.csv", 10), Written("/results/m", 5), Written("/tmp/t", 2),  # noqa: S108 - of the sandbox
    }  # fmt: skip
    assert not Path("/results").exists()
    assert len(sandbox.written(stage.mirror, most=1)) == 1


def test_written_before_a_run(stage: Stage) -> None:
    """Where nothing ran, nothing was written."""
    assert sandbox.written(stage.mirror) == []


def test_environment(stage: Stage, tmp_path: Path) -> None:
    """A program may install into its environment, which forgets it and stays as it was."""
    environment = tmp_path / "an env, with=marks"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    before = sorted(environment.rglob("*"))
    install = (
        "import sys, sysconfig, os; p = sysconfig.get_path('purelib') + '/made.py'\n"
        "open(p, 'w').write('x = 7'); import made; os.unlink(sys.prefix + '/pyvenv.cfg')\n"
        "print(made.x, sys.prefix)"
    )
    done = stage.run([str(environment / "bin/python"), "-c", install])
    assert done.stdout.split(" ", 1) == ["7", f"{environment}\n"], done.stderr
    assert sorted(environment.rglob("*")) == before
    assert sandbox.written(stage.mirror) == []


def test_linked_environment(stage: Stage, tmp_path: Path) -> None:
    """An environment that is reached through links is found by all of its names."""
    environment = tmp_path / "env"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True)
    (tmp_path / "one").symlink_to("env")
    (tmp_path / "two").symlink_to(tmp_path / "one")
    done = stage.run([str(tmp_path / "two/bin/python"), "-c", "import sys; print(sys.prefix)"])
    assert done.stdout.strip() == str(tmp_path / "two"), done.stderr


def test_readable_and_writable(stage: Stage, tmp_path: Path) -> None:
    """What is shown is there under its own path: a file to read, a folder to write."""
    (tmp_path / "guest.zip").write_text("guest")
    (tmp_path / "handover").mkdir()
    script = "cat {0}/guest.zip; echo made > {0}/handover/h; echo x > {0}/guest.zip"
    argv = stage.command(
        ["sh", "-c", script.format(tmp_path)],
        readable=[tmp_path / "guest.zip"], writable=[tmp_path / "handover"],
    )  # fmt: skip
    for _ in range(2):
        done = subprocess.run(argv, capture_output=True, text=True, check=False)
        assert (done.stdout, done.returncode) == ("guest", 2), done.stderr
    assert (tmp_path / "guest.zip").read_text() == "guest"
    assert (tmp_path / "handover/h").read_text() == "made\n"
    assert sandbox.written(stage.mirror) == []
    with pytest.raises(Hostile, match="would change"):
        stage.command(["true"], f"{tmp_path}/handover", writable=[tmp_path / "handover"])


def test_loopback(stage: Stage) -> None:
    """Programs of one rerun reach each other by network, and no one else."""
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(s.getsockname()); print([n for _, n in socket.if_nameindex()])"
    )
    assert stage.run([sys.executable, "-c", program]).stdout == "['lo']\n"


def test_network_by_request(stage: Stage) -> None:
    """Where a person said so, a rerun has the network of its machine."""
    argv = stage.command(["readlink", "/proc/self/ns/net"], network=True)
    done = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == str(Path("/proc/self/ns/net").readlink())


def test_pools(stage: Stage) -> None:
    """Processes, queues, shared memory and terminals work as programs expect."""
    program = (
        "import multiprocessing as m, multiprocessing.shared_memory as s, pty, tempfile, getpass\n"
        "pool = m.get_context('fork').Pool(2); print(pool.map(abs, [-1, -2]))\n"
        "x = s.SharedMemory(create=True, size=10); x.close(); x.unlink(); pty.openpty()\n"
        "print(tempfile.TemporaryFile().write(b'x'), getpass.getuser())"
    )
    done = stage.run([sys.executable, "-c", program])
    assert done.stdout.split("\n")[:2] == ["[1, 2]", f"1 {getpass.getuser()}"], done.stderr


def test_memory_of_one(stage: Stage) -> None:
    """A program that wants more memory than it may have gets a MemoryError it can catch."""
    argv = [sys.executable, "-c", "bytearray(1 << 30)"]
    assert "MemoryError" in stage.run(argv, limits=Limits(memory=300 << 20)).stderr


def test_memory_of_all(stage: Stage) -> None:
    """Many programs that together take too much are ended, and the reason is said."""
    program = (
        "import os, time\n"
        "for _ in range(6):\n    if not os.fork(): x = b'x' * (100 << 20); time.sleep(60)\n"
        "time.sleep(60)"
    )
    done = stage.run([sys.executable, "-c", program], limits=Limits(memory=300 << 20))
    assert done.returncode == -signal.SIGKILL
    assert "sandbox: ended: its processes used" in done.stderr


def test_shared_pages_count_once(stage: Stage) -> None:
    """Forked workers that share their parent's memory are not taken for hogs."""
    program = (
        "import os, time\nx = b'x' * (120 << 20)\n"
        "for _ in range(6):\n    if not os.fork(): time.sleep(1); os._exit(0)\n"
        "time.sleep(1.2); print('done')"
    )
    done = stage.run([sys.executable, "-c", program], limits=Limits(memory=300 << 20))
    assert done.stdout == "done\n", done.stderr


def test_disk(stage: Stage) -> None:
    """A program that fills the disk is ended before the last of it is gone."""
    disk = os.statvfs(stage.mirror)
    most = disk.f_bavail * disk.f_frsize
    program = "x = open('/tmp/big', 'wb')\nwhile True: x.write(bytes(1 << 20)); x.flush()"
    done = stage.run(
        [sys.executable, "-c", program], limits=Limits(reserve=most - (64 << 20), file=most)
    )
    assert done.returncode == -signal.SIGKILL
    assert "sandbox: ended: it filled the disk" in done.stderr


def test_forks(stage: Stage) -> None:
    """A program that forks without end is held, and the sandbox still ends with it."""
    script = "f() { f | f & }; f 2>/dev/null; sleep 1; echo out"
    done = stage.run(["bash", "-c", script], limits=Limits(processes=60, memory=1 << 30))
    assert done.returncode in (0, 254, 1), done.stderr[-300:]


def test_default_limits(tmp_path: Path) -> None:
    """By default a rerun leaves a tenth of the memory and a part of the disk to the machine."""
    found = Limits().resolve(tmp_path)
    assert found["memory"] == sandbox.machine_memory() * 9 // 10
    assert 0 < found["reserve"] <= 1 << 30
    assert found["processes"] >= 1024


def test_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rerun's environment variables are a short list, whatever one's own are."""
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "x")
    monkeypatch.setenv("LC_ALL", "C.UTF-8")
    found = sandbox.surroundings(Path("/envs/one/bin/python"), home="/home-of/anna")
    assert set(found) <= {"PATH", "HOME", "USER", "LOGNAME", "TERM", "TZ", "LANG", "LANGUAGE"} | {
        name for name in found if name.startswith("LC_")
    }
    assert found["LC_ALL"] == "C.UTF-8"
    assert found["HOME"] == "/home-of/anna"
    assert found["PATH"].startswith("/envs/one/bin:")


def test_channels(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The folder of a kernel's sockets has a short path, and is gone in the end."""
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(deep))
    with sandbox.channels() as folder:
        assert len(str(folder)) < 80
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not folder.exists()


def test_clear(stage: Stage) -> None:
    """A mirror is removed whatever its program did to the permissions."""
    stage.shell("mkdir -p /a/b; touch /a/b/c; chmod 000 /a/b /a")
    sandbox.clear(stage.mirror)
    assert list(stage.mirror.parent.iterdir()) == []


def test_planted_links(stage: Stage) -> None:
    """A program cannot lead its next start astray by links in the place of folders."""
    argv = stage.command(["true"])
    stage.shell("rm -rf /var /root 2>/dev/null || mv /proc /p 2>/dev/null; ln -s /usr /var || true")
    assert subprocess.run(argv, capture_output=True, check=False).returncode in (0, 125)
    with pytest.raises(Hostile, match="neither a file nor a folder"):
        stage.command(["true"])


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
        sandbox.inside(stage.mirror, path)


@pytest.mark.parametrize(
    "path",
    [
        "/usr/lib/x.so", "/bin/sh", "/etc/passwd", "/proc/self/environ", "/dev/null", "/sys/x",
        f"{sys.prefix}/lib/sitecustomize.py", os.path.realpath(sys.executable),
    ],
)  # fmt: skip
def test_system_is_not_covered(stage: Stage, path: str) -> None:
    """Nothing recorded takes the place of the system, the interpreter or its environment."""
    stage.record(path)
    with pytest.raises(Hostile, match=r"would change|in the place of") as refused:
        stage.command([sys.executable])
    assert any(repr(str(part)) in refused.value.message for part in (path, *Path(path).parents))


def test_file_in_place_of_a_needed_folder(stage: Stage) -> None:
    """A recorded file that would hide the home folder, or one above it, is refused."""
    home = Path(os.environ["HOME"])
    stage.mirror = stage.mirror.with_name("other")
    stage.recorded(stage.host).mkdir(parents=True)
    other = home.parent if not stage.host.is_relative_to(home.parent) else home
    stage.record(str(other) if str(other) != "/" else str(home))
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
