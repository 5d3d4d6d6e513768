from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from py_mlops import sandbox
from py_mlops.errors import Hostile, InputError
from py_mlops.sandbox import Written
from tests.sandbox.stage import ELSEWHERE, Stage


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


def test_recorded_links(stage: Stage) -> None:
    """A link that the caller made is followed by the program, also when it leads elsewhere."""
    stage.record(f"{ELSEWHERE}/x", "far")
    stage.recorded(stage.host / "link").symlink_to(ELSEWHERE)
    argv = stage.command(["cat", "link/x"], links={f"{stage.host}/link": ELSEWHERE})
    assert subprocess.run(argv, capture_output=True, text=True, check=True).stdout == "far"


def test_recorded_links_that_hold_something_else(stage: Stage) -> None:
    """Only the very links that the caller made may lie in a mirror."""
    stage.recorded(stage.host / "link").symlink_to("/etc/shadow")
    with pytest.raises(Hostile, match="neither a file nor a folder"):
        stage.command(["true"], links={f"{stage.host}/link": ELSEWHERE})


@pytest.mark.parametrize("place", ["", "usr", "tmp"])
def test_recorded_links_in_the_way(stage: Stage, place: str) -> None:
    """A link in the place of a folder that the rerun needs is refused, whoever made it."""
    path = f"/{place}" if place else str(stage.host.parent)
    shutil.rmtree(stage.recorded(path), ignore_errors=True)
    stage.recorded(path).symlink_to(ELSEWHERE)
    with pytest.raises((Hostile, InputError)):
        stage.command(["true"], links={path: ELSEWHERE})


def test_what_a_sandbox_needs(tmp_path: Path) -> None:
    """Whoever fills a mirror can ask beforehand where nothing may lie."""
    needs = sandbox.Needs(sys.executable, "/p/work", "/people/ann", readable=[tmp_path / "guest"])
    system = ("/usr/lib/x", f"{sys.prefix}/lib/x", sandbox.SYSTEM[0])
    for path in ("/p", "/p/work", "/people", "/people/ann", *system):
        assert needs.refuses(path), path
    for path in ("/p/other", "/p/work/data.csv", "/people/ann/x", "/data"):
        assert not needs.refuses(path), path
    assert not needs.holds("/people/ann")
    assert needs.holds(str(tmp_path / "guest"))


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
