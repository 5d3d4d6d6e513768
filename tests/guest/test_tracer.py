from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.traced import Traced

LIBC = "import ctypes; libc = ctypes.CDLL(None, use_errno=True)\n"
OPENS = {
    "open": "libc.open(b'data', 0)",
    "open64": "libc.open64(b'data', 0)",
    "openat": "libc.openat(-100, b'data', 0)",
    "openat64": "libc.openat64(-100, b'data', 0)",
    "openat, folder": "libc.openat(libc.open(b'.', 0), b'data', 0)",
    "__open_2": "libc.__open_2(b'data', 0)",
    "__open64_2": "libc.__open64_2(b'data', 0)",
    "__openat_2": "libc.__openat_2(-100, b'data', 0)",
    "__openat64_2": "libc.__openat64_2(-100, b'data', 0)",
    "fopen": "libc.fopen(b'data', b'r')",
    "fopen64": "libc.fopen64(b'data', b'rb')",
    "freopen": "libc.freopen.restype = libc.fopen.restype = ctypes.c_void_p\n"
    "libc.freopen(b'data', b'r', ctypes.c_void_p(libc.fopen(b'/dev/null', b'r')))",
}
WRITES = {
    "open": "libc.open(b'new', 0o101, 0o644)",
    "creat": "libc.creat(b'new', 0o644)",
    "creat64": "libc.creat64(b'new', 0o644)",
    "fopen": "libc.fopen(b'new', b'w')",
    "append": "libc.fopen(b'new', b'a')",
    "mkstemp": "import os; name = ctypes.create_string_buffer(b'neXXXXXX')\n"
    "libc.mkstemp(name); os.rename(name.value, b'new')",
}
VARIED = """
import os, subprocess, sys
os.write(1, b"out"); sys.stdout.flush()
errors = []
for path in ("missing", "", "none/" * 1000, "data/below"):
    try: os.close(os.open(path, os.O_RDONLY))
    except OSError as error: errors.append(error.errno)
try: subprocess.run(["no such program"])
except OSError as error: errors.append(error.errno)
folder = os.open(".", os.O_RDONLY | os.O_DIRECTORY)
os.close(os.open("data", os.O_RDONLY, dir_fd=folder))
print(errors, os.stat("data").st_size, subprocess.run(["false"]).returncode, oct(os.umask(0)))
os.close(os.open("made", os.O_CREAT | os.O_WRONLY, 0o640))
print(oct(os.stat("made").st_mode))
"""


@pytest.mark.parametrize("way", OPENS)
def test_every_way_to_open(traced: Traced, way: str) -> None:
    """A file is seen whichever function of the C library opens it."""
    traced.python(LIBC + OPENS[way])
    assert traced.files() == [("R", "data")]


@pytest.mark.parametrize(
    "way",
    [
        "libc.opendir(b'inner')",
        f"libc.open(b'inner', {os.O_DIRECTORY})",
        "import os; os.listdir('inner')",
        "import subprocess; subprocess.run(['ls', 'inner'])",
    ],
)
def test_every_way_to_list(traced: Traced, way: str) -> None:
    """A folder that is opened to be listed is seen, once."""
    (traced.folder / "inner").mkdir()
    traced.python(LIBC + way)
    folders = [fields[3] for fields in traced.records() if fields[0] == b"D"]
    assert folders.count(os.fsencode(traced.folder / "inner")) == 1


def test_a_file_that_is_appended_to(traced: Traced) -> None:
    """What is appended to goes on from what it held, and a new or an emptied file does not."""
    traced.python(LIBC + "libc.fopen(b'data', b'a'); libc.fopen(b'new', b'a')")
    assert traced.files() == [("A", "data"), ("W", "new")]


OVERWRITE = {
    "in place": "libc.open(b'data', 2)",
    "appended": "libc.open(b'data', 0o2001)",
    "emptied after it was read": "libc.open(b'data', 0); libc.open(b'data', 0o1001)",
}


def kept(traced: Traced, code: str, seconds: float = 1) -> list[str]:
    """Return what the copies hold of files older than the given seconds from now."""
    folder = traced.folder.parent / "kept"
    folder.mkdir()
    older = time.time_ns() + int(seconds * 1e9)
    traced.python(LIBC + code, MLOPS_TRACE_KEEP=f"{older} {folder}")
    return [path.read_text() for path in folder.iterdir()]


@pytest.mark.parametrize("way", OVERWRITE)
def test_a_file_about_to_be_overwritten_is_copied(traced: Traced, way: str) -> None:
    """What a file held is kept before native code writes into it."""
    assert kept(traced, OVERWRITE[way]) == ["a,b\n"]


@pytest.mark.parametrize(
    ("code", "seconds"),
    [
        ("libc.open(b'data', 0)", 1),
        ("libc.open(b'data', 0o1001)", 1),
        ("libc.open(b'new', 0o102, 0o644)", 1),
        ("libc.open(b'data', 2)", -3600),
    ],
)
def test_what_needs_no_copy(traced: Traced, code: str, seconds: float) -> None:
    """Not copied: what is only read, emptied unread, new, or made by the program itself."""
    assert kept(traced, code, seconds) == []


@pytest.mark.parametrize("way", WRITES)
def test_every_way_to_write(traced: Traced, way: str) -> None:
    """A new file is written, and was not there before."""
    traced.python(LIBC + WRITES[way])
    [record] = [fields for fields in traced.records() if fields[0] == b"F"]
    assert (record[3], record[4]) == (b"W", b"-1")


def test_what_was_there_before_it_was_overwritten(traced: Traced) -> None:
    """Of a file that is emptied, the size and time are those from before."""
    before = (traced.folder / "data").stat()
    traced.python("open('data', 'w').write('much longer than before')")
    [record] = [fields for fields in traced.records() if fields[0] == b"F"]
    assert record[3:6] == [b"W", b"4", b"%d" % before.st_mtime_ns]


def test_read_and_written(traced: Traced) -> None:
    """A file that is opened for both and not emptied is told apart from one only written."""
    traced.python("open('data', 'r+').close(); open('new', 'w+').close()")
    assert traced.files() == [("B", "data"), ("W", "new")]


def test_mapped_without_an_open(traced: Traced) -> None:
    """A file that was opened in a way the tracer does not see shows when it is mapped."""
    opening = (
        "import mmap, os, socket, subprocess, sys\nhere, there = socket.socketpair()\n"
        "number = there.fileno()\ncode = f'import os, socket; '"
        'f\'socket.send_fds(socket.socket(fileno={number}), [b"x"], [os.open("data", 0)])\'\n'
        "command = [sys.executable, '-SIc', code]\n"
        "subprocess.run(command, env={}, pass_fds=[number], check=True)\n"
        "file = socket.recv_fds(here, 1, 1)[1][0]\n"
    )
    mapping = "mmap.mmap(file, 0, access=mmap.ACCESS_READ)\n"
    traced.python(opening + mapping)
    assert traced.files() == [("M", "data")]


def test_what_is_no_file(traced: Traced) -> None:
    """Folders, devices, pipes and endless files are not noted."""
    os.mkfifo(traced.folder / "pipe")
    traced.python(
        "import os\nos.open('.', os.O_RDONLY); os.open('pipe', os.O_RDWR)\n"
        "open('/dev/zero', 'rb').read(1 << 20); open('missing.py') if 0 else None"
    )
    assert traced.files() == []


def test_each_version_once(traced: Traced) -> None:
    """However often a file is read, it is noted once, and once more when it has changed."""
    traced.python(
        "import os\nfor i in range(500): open('data').close()\n"
        "os.utime('data', (1, 1))\nfor i in range(500): open('data').close()"
    )
    assert traced.files() == [("R", "data")] * 2


@pytest.mark.parametrize("name", [b"a b", b"line\nbreak", b"\xff\xfe", "日本".encode(), b"%41\x1f"])
def test_names_byte_for_byte(traced: Traced, name: bytes) -> None:
    """Blanks, line breaks and bytes that are no text stand in the log as they are."""
    (Path(os.fsdecode(bytes(traced.folder) + b"/" + name))).touch()
    traced.run("cat", os.fsdecode(name))
    assert traced.files() == [("R", os.fsdecode(name))]


def test_the_longest_path(traced: Traced) -> None:
    """A path as long as the system allows is whole in the log."""
    folder = traced.folder
    while len(str(folder)) < 3800:
        folder /= "x" * 200
    folder.mkdir(parents=True)
    (folder / "data").touch()
    traced.run("cat", folder / "data")
    assert traced.files() == [("R", str(folder.relative_to(traced.folder) / "data"))]


def test_programs_and_their_children(traced: Traced) -> None:
    """A shell's children are seen with what they read, write and rename, in order."""
    traced.run("sh", "-c", "cp data copy; mv copy moved; sort moved > sorted")
    assert traced.files() == [("R", "data"), ("W", "copy"), ("W", "sorted"), ("R", "moved")]
    [renamed] = [fields for fields in traced.records() if fields[0] == b"V"]
    assert renamed[8].endswith(b"work/copy" + bytes(traced.folder) + b"/moved")
    names = [fields[5].split(b"\x1f")[0].rpartition(b"/")[2] for fields in traced.records()
             if fields[0] == b"P"]  # fmt: skip
    assert [name.removeprefix(b"dash") for name in names[1:]] == [b"cpcp", b"mvmv", b"sortsort"]


@pytest.mark.parametrize(
    "code",
    [
        "import os\nif not os.fork(): open('data').close(); os._exit(0)\nos.wait()",
        "import subprocess; subprocess.run(['cat', 'data'], stdout=-3)",
        "import os; os.system('cat data > /dev/null')",
        "import os; os.popen('cat data').read()",
        (
            "import os; os.waitpid(os.posix_spawn('/bin/cat', ['cat', 'data'], os.environ,"
            " file_actions=[(os.POSIX_SPAWN_OPEN, 1, '/dev/null', 1, 0)]), 0)"
        ),
        (
            "import os, pty; pid, fd = pty.fork()\nif not pid: open('data').close(); os._exit(0)\n"
            "os.waitpid(pid, 0)"
        ),
        (
            "import multiprocessing as m; from pathlib import Path\n"
            "if __name__ == '__main__':\n"
            "    pool = m.get_context('forkserver').Pool(1)\n"
            "    with pool: pool.map(Path.read_text, [Path('data')])"
        ),
        (
            "import threading; t = threading.Thread(target=lambda: open('data').close())\n"
            "t.start(); t.join()"
        ),
    ],
)
def test_children(traced: Traced, code: str) -> None:
    """Forks, spawns, shells, pseudo-terminals, servers of forks and threads are all seen."""
    traced.python(code)
    assert traced.files() == [("R", "data")]


def test_what_a_program_is_told_stays_the_same(traced: Traced) -> None:
    """Error numbers, modes, output and descriptors are those of an untraced program."""
    plain = subprocess.run(
        [sys.executable, "-c", VARIED], cwd=traced.folder, capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    (traced.folder / "made").unlink()
    assert traced.python(VARIED) == plain.stdout


def test_closed_descriptors(traced: Traced) -> None:
    """A program that closes every descriptor and takes their numbers keeps its files unharmed."""
    traced.python(
        "import os\nopen('data').close(); os.closerange(3, 4096)\n"
        "mine = [os.open(f'own{i}', os.O_CREAT | os.O_RDWR) for i in range(950)]\n"
        "print(max(os.fstat(file).st_size for file in mine))"
    )
    assert sum(name.startswith("own") for _, name in traced.files()) == 950
    assert all(not path.stat().st_size for path in traced.folder.glob("own*"))


def test_paused(traced: Traced) -> None:
    """Work of ours is not noted: neither this thread's files nor the processes it starts."""
    traced.python(
        "import ctypes, subprocess; pause = ctypes.CDLL(None).mlops_trace_pause\n"
        "pause(1); open('ours', 'w').close(); subprocess.run(['cat', 'data'], stdout=-3)\n"
        "pause(-1); open('theirs', 'w').close()"
    )
    assert traced.files() == [("W", "theirs")]


def test_the_log_is_bounded(traced: Traced) -> None:
    """A flood of files, also of many processes, stops at the limit, and the program goes on."""
    flood = (
        "import os\nfor i in range(3):\n    if not os.fork(): break\n"
        "for i in range(2000): open(f'{os.getpid()}-{i}', 'w').close()\n"
        "os.closerange(3, 50)\nimport contextlib\nwith contextlib.suppress(OSError):\n"
        "    while True: os.wait()"
    )
    traced.python(flood, MLOPS_TRACE_LIMIT="20000")
    assert len(list(traced.folder.iterdir())) == 8001
    assert traced.log.stat().st_size < 25_000
    assert b"\0X\0" in traced.log.read_bytes()


@pytest.mark.parametrize("log", ["/nowhere/log", "relative", "", "/dev/full", "/"])
def test_no_log(traced: Traced, log: str) -> None:
    """Without a log that can be written the tracer does nothing, and says nothing."""
    assert traced.run("cat", "data", MLOPS_TRACE=log) == "a,b\n"


def test_a_log_that_goes(traced: Traced) -> None:
    """When the log is moved away, and another file takes its name, the program goes on."""
    code = (
        "import os\nopen('data').close(); os.rename(log := os.environ['MLOPS_TRACE'], 'gone')\n"
        "os.closerange(3, 4096); open(log, 'w').close(); open('new', 'w').close()"
    )
    traced.python(code)
    assert traced.log.read_bytes() == b""


def test_who_leaves_us_behind(traced: Traced) -> None:
    """A program that is started without our environment is announced as such."""
    traced.python("import subprocess; subprocess.run(['/bin/cat', 'data'], env={}, stdout=-3)")
    assert [fields[3:] for fields in traced.records() if fields[0] == b"S"] == [[b"0", b"/bin/cat"]]
    assert traced.files() == []


def test_a_program_that_is_not_there(traced: Traced) -> None:
    """A start that failed is taken back."""
    traced.python("import os\ntry: os.execv('data', ['data'])\nexcept OSError: pass")
    started = [fields[0] for fields in traced.records() if fields[0] in b"SE"]
    assert started in ([b"S", b"E"], [])


def test_peers(traced: Traced) -> None:
    """Connections, who made them and names that were looked up are noted, datagrams are not."""
    traced.python(
        "import socket\ns = socket.create_server(('127.0.0.1', 0)); port = s.getsockname()[1]\n"
        "socket.create_connection(('localhost', port)).close()\n"
        "socket.socket(type=socket.SOCK_DGRAM).connect(('127.0.0.1', 9))\n"
        "u = socket.socket(socket.AF_UNIX); u.bind('here'); u.listen()\n"
        "import ctypes; tracer = ctypes.CDLL(None)\n"
        "one, two = (socket.socket(socket.AF_UNIX) for _ in '12')\n"
        "tracer.mlops_trace_socket(one.fileno()); one.connect('here'); two.connect('here')\n"
        "tracer.mlops_trace_driver(1); socket.socket(socket.AF_UNIX).connect('here')"
    )
    kinds = [(fields[0], *fields[4:]) for fields in traced.records() if fields[0] in b"LCN"]
    assert kinds[0] == (b"L", b"127.0.0.1")
    assert (b"N", b"localhost") in kinds
    assert kinds[-5:] == [
        (b"C", b"0", b"127.0.0.1"), (b"L", b"here"),
        (b"C", b"1", b"here"), (b"C", b"0", b"here"), (b"C", b"2", b"here"),
    ]  # fmt: skip


def test_threads_that_fork(traced: Traced) -> None:
    """Forking while other threads open files neither hangs nor crashes."""
    traced.python(
        "import os, threading, warnings; warnings.simplefilter('ignore')\n"
        "def work(me):\n    for i in range(300): open(f'{me}-{i}', 'w').close()\n"
        "threads = [threading.Thread(target=work, args=(me,)) for me in range(4)]\n"
        "[t.start() for t in threads]\n"
        "for i in range(30):\n    if not os.fork(): open(f'fork{i}', 'w').close(); os._exit(0)\n"
        "[t.join() for t in threads]\nfor i in range(30): assert os.wait()[1] == 0"
    )
    assert len({name for _, name in traced.files()}) == 4 * 300 + 30


def test_a_killed_program_leaves_whole_records(traced: Traced) -> None:
    """A program that is killed at any moment leaves a log that others go on with."""
    flood = "i = 0\nwhile True:\n    open(f'{i}', 'w').close(); i += 1"
    running = subprocess.Popen(
        [sys.executable, "-c", flood], cwd=traced.folder, env=traced.environment()
    )
    while not (traced.folder / "50").exists():
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.wait()
    traced.run("cat", "data")
    assert traced.files()[-1] == ("R", "data")
    assert not re.search(rb"\0\0|[^\0]F \d+ \d+ [RWBM]", traced.log.read_bytes())


def test_needs_only_old_symbols(library: Path) -> None:
    """A library built here loads where glibc is as old as 2.17, for every kernel of today."""
    if shutil.which("objdump") is None:
        pytest.fail("objdump, of the binutils that every compiler needs, is not there")
    names = subprocess.run(
        ["objdump", "-T", str(library)], capture_output=True, text=True, check=True
    ).stdout
    versions = re.findall(r"\*UND\*.*GLIBC_([\d.]+)", names)
    assert max(tuple(map(int, version.split("."))) for version in versions) <= (2, 17)
