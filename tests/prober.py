"""Plants secrets and services on the host, and lets ``escapes.py`` try to get at them.

``python prober.py FOLDER LEVEL PROBE...`` prints what each probe came to, and
what the host looked like after.
"""

from __future__ import annotations

# It plants in folders that everybody uses, and prints what it saw.
# ruff: noqa: S108, T201
import ctypes
import json
import os
import platform
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import venv
from pathlib import Path
from typing import Any

from py_mlops import sandbox

LIBC = ctypes.CDLL(None, use_errno=True)
ADD_KEY, KEYCTL = (217, 219) if platform.machine() == "aarch64" else (248, 250)
JOIN_SESSION, SESSION = 1, -3
SECRET = "planted-" + os.urandom(8).hex()
LIMITS = sandbox.Limits(memory=512 << 20, processes=100, file=1 << 30)


def plant(desk: Path) -> dict[str, Any]:
    """Put what must not be got at onto the host; return where it is."""
    files = {
        "ssh": desk / "home/.ssh/id_ed25519",
        "aws": desk / "home/.aws/credentials",
        "store": desk / "store/blob",
        "other": desk / "reruns/other/secret.csv",
        "temporary": Path(tempfile.gettempdir(), SECRET),
        "shared": Path("/dev/shm", SECRET),
    }
    for path in files.values():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    venv.create(desk / "env", symlinks=True)
    LIBC.syscall(KEYCTL, JOIN_SESSION, None)
    LIBC.syscall(ADD_KEY, b"user", SECRET.encode(), b"x", 1, SESSION)
    segment = os.getpid() + 4096
    LIBC.shmget(segment, 4096, 0o1666)
    sleeper = subprocess.Popen(["sleep", "100"], env={"SECRET": SECRET}, stdout=subprocess.DEVNULL)
    return {
        "secret": SECRET,
        "home": str(desk / "home"),
        "store": str(desk / "store"),
        "other": str(files["other"]),
        "temporary": str(files["temporary"]),
        "shared": SECRET,
        "env": str(desk / "env"),
        "key": SECRET,
        "segment": segment,
        "process": sleeper.pid,
        "name": socket.gethostname(),
        "disk": desk.stat().st_dev,
        **listen(desk),
    }


def listen(desk: Path) -> dict[str, Any]:
    """Answer on the loopback, on a socket in a folder, and on one without a path."""
    port = socket.create_server(("127.0.0.1", 0))
    named, abstract = socket.socket(socket.AF_UNIX), socket.socket(socket.AF_UNIX)
    named.bind(str(desk / "service"))
    abstract.bind("\0" + SECRET)
    for one in (port, named, abstract):
        one.listen()
        threading.Thread(target=serve, args=[one], daemon=True).start()
    number = port.getsockname()[1]
    return {"port": number, "socket": str(desk / "service"), "abstract": SECRET}


def serve(listening: socket.socket) -> None:
    """Greet whoever comes."""
    while True:
        link, _ = listening.accept()
        link.sendall(b"reached")
        link.close()


def listing(desk: Path) -> list[str]:
    """Return every file of the planted folders with its content's length."""
    folders = [desk / name for name in ("home", "store", "reruns", "env")]
    found = [path for folder in folders for path in folder.rglob("*")]
    found += [
        Path(folder, "probe") for folder in ("/tmp", "/var/tmp", "/run", tempfile.gettempdir())
    ]
    return sorted(f"{path} {path.lstat().st_size}" for path in found if os.path.lexists(path))


def main() -> None:
    """Plant, try, look, clean up."""
    desk, level, probes = Path(sys.argv[1]), sandbox.Level(sys.argv[2]), sys.argv[3:]
    os.environ["SECRET"] = SECRET
    host = plant(desk)
    mirror = desk / "mirror"
    mirror.mkdir()
    shutil.copy(Path(__file__).with_name("escapes.py"), mirror / "escapes.py")
    before = listing(desk)
    argv = sandbox.command(
        [f"{desk}/env/bin/python", "escapes.py", json.dumps(host), *probes],
        mirror=mirror, directory="/", home=host["home"], limits=LIMITS, level=level,
    )  # fmt: skip
    isolated = level is sandbox.Level.NAMESPACES
    kept = os.open(desk, os.O_RDONLY)
    done = subprocess.run(
        argv,
        env=sandbox.surroundings(Path(argv[0]), home=host["home"]) if isolated else None,
        cwd=mirror, capture_output=True, text=True, check=False, pass_fds=[kept], timeout=100,
    )  # fmt: skip
    os.kill(host["process"], 9)
    LIBC.shmctl(LIBC.shmget(host["segment"], 0, 0), 0, None)
    for path in (host["temporary"], "/dev/shm/" + SECRET):
        Path(path).unlink()
    after = listing(desk)
    sandbox.clear(mirror)
    print(json.dumps({
        "why": sandbox.available().why, "code": done.returncode, "errors": done.stderr[-2000:],
        "results": json.loads(done.stdout or "{}"), "changed": sorted(set(before) ^ set(after)),
    }))  # fmt: skip


if __name__ == "__main__":
    main()
