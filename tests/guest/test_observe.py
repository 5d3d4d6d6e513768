from __future__ import annotations

import os
import pickle
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from py_mlops.guest.observe import Observer, observer


@pytest.fixture
def watching(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Observer]:
    """Watch this process from a folder of its own."""
    monkeypatch.chdir(tmp_path)
    fresh = Observer()
    fresh.start()
    fresh.cell = 1
    yield fresh
    fresh.stop()


def seen(watching: Observer) -> dict[str, dict[str, Any]]:
    """Return the files by the names the program gave them."""
    return {file["requested"]: file for file in watching.files()}


def test_one_observer() -> None:
    """A process has one observer."""
    assert observer() is observer()


@pytest.mark.parametrize("kind", [str, os.fsencode, Path])
def test_every_way_to_name_a_file(watching: Observer, tmp_path: Path, kind: Any) -> None:
    """Text, bytes and path objects, relative or absolute, name the same file."""
    (tmp_path / "here").write_text("x")
    for name in ("here", f"{tmp_path}/./here"):
        open(kind(name)).close()
    assert [file["path"] for file in watching.files()] == [str(tmp_path / "here")]


@pytest.mark.parametrize(
    ("mode", "first", "written"),
    [("r", "read", False), ("r+", "read", True), ("w", "write", True), ("a", "read", True)],
)
def test_modes(watching: Observer, mode: str, first: str, written: bool) -> None:
    """What the first access does to a file decides its role."""
    watching.stop()
    Path("file").write_text("x")
    watching.start()
    Path("file").open(mode).close()
    file = seen(watching)["file"]
    assert (file["first"], file["written"], file["existed"]) == (first, written, True)


def test_written_then_read(watching: Observer) -> None:
    """A file the program made stays an output when it is read again."""
    Path("file").write_text("x")
    assert Path("file").read_text() == "x"
    assert seen(watching)["file"]["first"] == "write"


def test_look_at_first_read(watching: Observer, tmp_path: Path) -> None:
    """Size, time and inode are those of the file as it was read, not as it is now."""
    watching.stop()
    Path("file").write_text("old")
    before = Path("file").stat()
    watching.start()
    Path("file").read_text()
    subprocess.run(["sh", "-c", "echo longer > ../elsewhere"], cwd=tmp_path, check=True)
    with watching.paused():
        Path("file").write_text("much longer")
    file = seen(watching)["file"]
    assert (file["size"], file["mtime_ns"], file["inode"]) == (
        before.st_size,
        before.st_mtime_ns,
        before.st_ino,
    )


def test_rerun_of_a_cell_reads_anew(watching: Observer) -> None:
    """A file changed from outside and read again in a later cell has two versions."""
    with watching.paused():
        Path("file").write_text("old")
    Path("file").read_text()
    with watching.paused():
        Path("file").write_text("newer")
    watching.cell = 2
    Path("file").read_text()
    assert [(file["cell"], file["size"]) for file in watching.files()] == [(1, 3), (2, 5)]


def test_module_read_anew_within_a_cell(watching: Observer) -> None:
    """Reloading a module in the same cell is seen, because then the newest version runs."""
    for text in ("a = 1\n", "a = 12\n"):
        with watching.paused():
            Path("code.py").write_text(text)
        Path("code.py").read_text()
    assert [file["size"] for file in watching.files()] == [6, 7]


def test_relative_name_in_another_folder(watching: Observer, tmp_path: Path) -> None:
    """The same relative name in two folders is two files."""
    with watching.paused():
        for folder in ("a", "b"):
            Path(folder).mkdir()
            (Path(folder) / "file").write_text(folder)
    for folder in ("a", "b"):
        os.chdir(tmp_path / folder)
        Path("file").read_text()
    assert [Path(file["path"]).parent.name for file in watching.files()] == ["a", "b"]


def test_working_directory_removed_meanwhile(watching: Observer, tmp_path: Path) -> None:
    """A program whose folder is gone gets its own errors, and nothing of ours fails."""
    (tmp_path / "gone").mkdir()
    os.chdir(tmp_path / "gone")
    try:
        Path("a").write_text("x")
        before = watching.files()
        Path("a").unlink()
        (tmp_path / "gone").rmdir()
        for act in (Path("a").read_text, lambda: os.rename("a", "b"), lambda: os.mkdir("c")):
            with pytest.raises(FileNotFoundError):
                act()
        subprocess.run(["true"], check=True)
        os.listdir()
        assert [file["path"] for file in before] == [f"{tmp_path}/gone/a"]
        assert watching.failures == 0
    finally:
        os.chdir(tmp_path)


def test_rename_of_a_folder(watching: Observer, tmp_path: Path) -> None:
    """Outputs in a folder that is renamed are outputs under their new names."""
    Path("part").mkdir()
    Path("part/file").write_text("x")
    Path("part").rename("whole")
    assert [file["path"] for file in watching.files()] == [str(tmp_path / "whole/file")]


def test_input_moved_away(watching: Observer) -> None:
    """An older file that the program moves is an input it did away with."""
    with watching.paused():
        Path("raw").write_text("x")
        os.utime("raw", (1, 1))
    shutil.move("raw", "done")
    files = seen(watching)
    raw = next(file for name, file in files.items() if name.endswith("raw"))
    assert (raw["first"], raw["written"], files["done"]["first"]) == ("read", True, "write")


def test_another_name_for_an_input(watching: Observer) -> None:
    """A hard link that the program makes is its output, and what it leads to is what it read."""
    with watching.paused():
        Path("raw").write_text("x")
        os.utime("raw", (1, 1))
    os.link("raw", "same")
    Path("same").read_text()
    assert {name: file["first"] for name, file in seen(watching).items()} == {
        "raw": "read",
        "same": "write",
    }


def test_removed_input(watching: Observer) -> None:
    """An input that the program removes is marked as changed by it."""
    with watching.paused():
        Path("raw").write_text("x")
    Path("raw").read_text()
    Path("raw").unlink()
    assert seen(watching)["raw"]["written"]


def test_many_scratch_files_are_forgotten(watching: Observer, tmp_path: Path) -> None:
    """Files that the program makes and removes leave nothing behind."""
    for number in range(50):
        Path(f"scratch{number}").write_text("x")
    os.chdir("/")
    shutil.rmtree(tmp_path)
    assert watching.files() == []


def test_names_that_are_no_text(watching: Observer, tmp_path: Path) -> None:
    """Newlines are kept; a name that is not UTF-8 becomes the repr of its bytes."""
    with watching.paused():
        Path("two\nlines").write_text("x")
        Path(os.fsdecode(b"caf\xe9")).write_text("x")
    Path("two\nlines").read_text()
    Path(os.fsdecode(b"caf\xe9")).read_text()
    paths = [file["path"] for file in watching.files()]
    assert paths == [str(tmp_path / "two\nlines"), repr(os.fsencode(tmp_path) + b"/caf\xe9")]
    assert "".join(paths).encode()


@pytest.mark.parametrize(
    "path", ["/proc/self/status", pytest.__file__, "~/.cache/pip/x", "__pycache__/x", "left/x"]
)
def test_what_is_not_the_users_work(watching: Observer, path: str) -> None:
    """System files, packages, caches and folders of ours are not seen."""
    file = Path(path).expanduser()
    with watching.paused():
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("x")
    watching.exclude("left")
    file.read_text()
    assert watching.files() == []


def test_excluded_later(watching: Observer) -> None:
    """What was seen below a folder before it was excluded is forgotten."""
    Path("store").mkdir()
    Path("store/blob").write_text("x")
    watching.exclude("store")
    assert watching.files() == []


def test_one_file_excluded_later(watching: Observer) -> None:
    """A single file can be forgotten too, and one whose name begins likewise cannot be hit."""
    for name in ("ports.json", "ports.json.bak"):
        Path(name).write_text("x")
    watching.exclude("ports.json")
    assert [seen["path"] for seen in watching.files()] == [str(Path("ports.json.bak").absolute())]


@pytest.mark.parametrize(
    "name",
    [
        "~/.cache/huggingface/model.bin",
        "~/.cache/myproject/tips.csv",
        "~/.ipython/profile_default/startup/00-imports.py",
        "~/.ipython/profile_default/ipython_kernel_config.py",
        "~/.ipython/profile_default/db/autorestore/frame",
    ],
)
def test_what_somebody_put_among_other_programs_files(
    request: pytest.FixtureRequest, watching: Observer, name: str
) -> None:
    """Data in a folder of ``~/.cache``, and what IPython runs first, are seen."""
    file = Path(name).expanduser()
    for made in (file, file.parent / "README"):  # other tests' kernels have the same home
        request.addfinalizer(made.unlink)
    with watching.paused():
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")
        (file.parent / "README").write_text("x")
    watching.start()
    file.read_text()
    if ".ipython/profile_default/startup" in name:
        (file.parent / "README").write_text("as IPython does when it makes the folder")
    assert [seen["path"] for seen in watching.files()] == [str(file)]


def test_paused_is_for_one_thread(watching: Observer) -> None:
    """While one thread is paused, what others read is still seen."""
    inside, done = threading.Event(), threading.Event()

    def pause() -> None:
        with watching.paused():
            inside.set()
            done.wait()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(pause)
        inside.wait()
        Path("file").write_text("x")
        done.set()
    assert list(seen(watching)) == ["file"]


def test_three_threads(watching: Observer) -> None:
    """Three threads that read and write at once are seen whole."""

    def work(thread: int) -> None:
        for number in range(300):
            Path(f"{thread}-{number}").write_text("x")
            Path(f"{thread}-{number}").read_text()

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, range(3)))
    assert len(seen(watching)) == 900
    assert watching.failures == 0


def test_stopped(watching: Observer) -> None:
    """A stopped observer sees nothing, and goes on when it is started again."""
    watching.stop()
    Path("unseen").write_text("x")
    watching.start()
    Path("seen").write_text("x")
    assert list(seen(watching)) == ["seen"]


@pytest.mark.parametrize("broken", ["_opens.opened", "_files.read", "_files.wrote", "_ran"])
def test_our_failure_is_never_the_users(
    watching: Observer, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    """Whatever breaks inside the observer, files open and processes start as always."""

    def fail(*_: object, **__: object) -> None:
        raise RecursionError

    *way, name = broken.split(".")
    owner: Any = watching
    for part in way:
        owner = getattr(owner, part)
    monkeypatch.setattr(owner, name, fail)
    watching.start()  # takes the broken parts up
    Path("file").write_text("x")
    assert Path("file").read_text() == "x"
    assert subprocess.run(["true"], check=True).returncode == 0
    Path("file").replace("other")
    watching.files()
    assert watching.failures > 0


def test_interrupts_pass(watching: Observer, monkeypatch: pytest.MonkeyPatch) -> None:
    """A keyboard interrupt that arrives inside the hook reaches the program."""

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(watching, "_ran", interrupted)
    with pytest.raises(KeyboardInterrupt):
        subprocess.run(["true"], check=True)


def test_connections(watching: Observer) -> None:
    """A connection is seen once, by the name that was looked up."""
    watching.cell = 7
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for _ in range(2):
            socket.create_connection(("localhost", port)).close()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.connect(("127.0.0.1", port))
    [seen] = watching.connections()
    assert seen == {"cell": 7, "host": "localhost", "port": port, "by": "python"}


def test_unpickled(watching: Observer) -> None:
    """The classes that an unpickler looks up are seen."""
    pickle.loads(pickle.dumps(Path("x")))
    assert [item["type"].rpartition(".")[2] for item in watching.unpickled()] == [
        type(Path("x")).__name__
    ]


def test_commands(watching: Observer) -> None:
    """A child process is seen as one command, however Python announces it."""
    subprocess.run("true a", shell=True, check=True)  # noqa: S602 - a shell is what is tested
    os.system("true b")  # noqa: S605 - the same
    spawned = os.posix_spawn("/bin/true", ["true", "c d"], {})
    with watching.paused():
        subprocess.run(["true"], check=True)
    os.waitpid(spawned, 0)  # a server of other tests may be a child of ours as well
    texts = [item["text"] for item in watching.commands()]
    assert texts == ["true a", "true b", "true 'c d'"]
