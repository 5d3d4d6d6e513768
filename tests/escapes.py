"""What a hostile notebook would try in a sandbox; run inside of one by ``prober.py``.

Each function takes what was planted on the host, and returns something true
when it got out or got at it; an error or nothing means that it did not.
"""

from __future__ import annotations

# A probe's name says what it is after; it makes the calls of the system themselves, in /tmp too.
# ruff: noqa: D103, S108, PTH103, PTH108, PTH120, PTH123, PTH207, PTH208
import contextlib
import ctypes
import fcntl
import glob
import json
import os
import platform
import resource
import signal
import socket
import stat
import subprocess
import sys
import sysconfig
import time
from pathlib import Path
from typing import Any

LIBC = ctypes.CDLL(None, use_errno=True)
ARM = platform.machine() == "aarch64"
KEYCTL, INIT_MODULE, REBOOT = (219, 105, 142) if ARM else (250, 175, 169)
SEARCH, SESSION, USER = 10, -3, -4
PTRACE_ATTACH, NEWUSER, NEWNS, TIOCSTI = 16, 0x10000000, 0x20000, 0x5412


def ssh_keys(host: Any) -> object:
    return Path(host.home, ".ssh/id_ed25519").read_text()


def cloud_credentials(host: Any) -> object:
    return Path(host.home, ".aws/credentials").read_text()


def home_of_root(_host: Any) -> object:
    return [path for path in Path("/", "root").glob(".*") if Path(path).is_file()]


def password_hashes(_host: Any) -> object:
    return Path("/etc/shadow").read_text()


def secrets_of_the_machine(_host: Any) -> object:
    names = (
        "ssh",
        "ssl/private",
        "sudoers",
        "machine-id",
        "kubernetes",
        "krb5.keytab",
        "environment",
    )
    return [name for name in names if Path("/etc", name).exists()]


def environment_variables(host: Any) -> object:
    return host.secret in os.environ.values()


def environment_of_other_processes(host: Any) -> object:
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        with contextlib.suppress(OSError):
            found += [path] if host.secret.encode() in Path(path).read_bytes() else []
    return found


def temporary_files(host: Any) -> object:
    return Path(host.temporary).read_text()


def other_reruns(host: Any) -> object:
    return Path(host.other).read_text()


def store(host: Any) -> object:
    return Path(host.store, "blob").read_text()


def kill_a_process(host: Any) -> object:
    os.kill(host.process, 0)
    return True


def trace_a_process(host: Any) -> object:
    return [pid for pid in (host.process, 1) if LIBC.ptrace(PTRACE_ATTACH, pid, 0, 0) == 0]


def end_the_first_process(_host: Any) -> object:
    for number in (signal.SIGKILL, signal.SIGSTOP):
        with contextlib.suppress(OSError):
            os.kill(1, number)
    time.sleep(0.1)
    return Path("/proc/1/stat").read_text().split(") ")[1][0] in "TtZX"


def loopback_of_the_host(host: Any) -> object:
    with socket.create_connection(("127.0.0.1", host.port), timeout=2) as link:
        return link.recv(9)


def metadata_address(_host: Any) -> object:
    return socket.create_connection(("169.254.169.254", 80), timeout=1)


def internet(_host: Any) -> object:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
        return link.sendto(b"?", ("192.0.2.1", 53))


def names_of_the_internet(_host: Any) -> object:
    return socket.getaddrinfo("example.com", 80)


def network_cards(_host: Any) -> object:
    return [name for _, name in socket.if_nameindex() if name != "lo"]


def unix_socket(host: Any) -> object:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect(host.socket)
        return True


def abstract_socket(host: Any) -> object:
    with socket.socket(socket.AF_UNIX) as link:
        link.connect("\0" + host.abstract)
        return True


def sockets_of_services(_host: Any) -> object:
    return {*glob.glob("/run/*"), *glob.glob("/var/run/*")} - {"/run/probe"}


def nested_namespaces(_host: Any) -> object:
    return LIBC.unshare(NEWUSER) == 0


def nested_namespaces_by_clone(_host: Any) -> object:
    return not subprocess.run(
        ["unshare", "-rmn", "true"], capture_output=True, check=False
    ).returncode


def mount(_host: Any) -> object:
    return LIBC.mount(b"x", b"/tmp", b"tmpfs", 0, None) == 0


def mount_the_system_writable(_host: Any) -> object:
    return LIBC.mount(b"", b"/usr", b"", 0x1020, None) == 0


def take_a_mount_away(_host: Any) -> object:
    return [path for path in (b"/usr", b"/proc", b"/etc", b"/dev") if LIBC.umount2(path, 2) == 0]


def other_namespaces(_host: Any) -> object:
    joined = []
    for path in glob.glob("/proc/1/ns/*"):
        with contextlib.suppress(OSError):
            joined += [path] if LIBC.setns(os.open(path, os.O_RDONLY), 0) == 0 else []
    return joined or LIBC.unshare(NEWNS) == 0


def root_of_the_first_process(_host: Any) -> object:
    return os.listdir(Path("/proc", "1", "root"))


def change_the_root(_host: Any) -> object:
    os.chroot("/tmp")
    return True


def open_files_of_the_host(_host: Any) -> object:
    return [number for number in range(3, 4096) if is_open_before_us(number)]


def is_open_before_us(number: int) -> bool:
    try:
        return stat.S_ISDIR(os.fstat(number).st_mode)
    except OSError:
        return False


def make_a_device(host: Any) -> object:
    os.mknod("/tmp/disk", stat.S_IFBLK | 0o600, host.disk)
    return os.open("/tmp/disk", os.O_RDONLY)


def devices_of_the_machine(_host: Any) -> object:
    common = {"null", "zero", "full", "random", "urandom", "tty", "ptmx"}
    found = [Path(folder, name) for folder, _, names in os.walk("/dev") for name in names]
    nodes = [path for path in found if not path.is_symlink() and not path.is_file()]
    cards = ("/dev/nvidia", "/dev/dri", "/dev/kfd", "/dev/pts/")
    return [str(p) for p in nodes if p.name not in common and not str(p).startswith(cards)]


def load_a_module(_host: Any) -> object:
    LIBC.syscall(INIT_MODULE, None, 0, b"")
    return ctypes.get_errno() not in (1, 38)


def settings_of_the_kernel(_host: Any) -> object:
    changed = []
    for name in (
        "kernel/core_pattern",
        "kernel/hostname",
        "vm/overcommit_memory",
        "user/max_user_namespaces",
        "kernel/modprobe",
    ):
        path = Path("/proc/sys", name)
        with contextlib.suppress(OSError):
            changed += [path.write_text(path.read_text())]
    return changed


def magic_request(_host: Any) -> object:
    return os.open("/proc/sysrq-trigger", os.O_WRONLY)


def memory_of_the_kernel(_host: Any) -> object:
    seen = []
    for name in ("kcore", "kallsyms", "keys"):
        with contextlib.suppress(OSError), open("/proc/" + name, "rb") as file:
            seen += [file.read(10)]
    return any(seen)


def change_the_system(_host: Any) -> object:
    changed = []
    for folder in ("/usr/bin", "/usr/lib", "/etc", "/sys", "/dev", sys.base_prefix + "/lib"):
        with contextlib.suppress(OSError):
            changed += [Path(folder, "probe").write_text("x")]
    return changed


def change_the_environment(host: Any) -> object:
    """Write where it may: the prober looks whether the host has it."""
    Path(sysconfig.get_path("purelib"), "probe.py").write_text("x")
    Path(host.env, "pyvenv.cfg").write_text("x")
    os.unlink(host.env + "/bin/python")
    return False


def change_the_host(host: Any) -> object:
    """Write where it may: the prober looks whether the host has it."""
    for folder in (host.home, host.store, "/tmp", "/var/tmp", "/run", os.path.dirname(host.other)):
        with contextlib.suppress(OSError):
            os.makedirs(folder, exist_ok=True)
            Path(folder, "probe").write_text("x")
    return False


def become_root(_host: Any) -> object:
    os.setuid(0)
    return True


def setuid_programs(_host: Any) -> object:
    lines = Path("/proc/self/status").read_text().splitlines()
    open_ways = "NoNewPrivs:\t1" not in lines
    return open_ways or not os.statvfs("/usr").f_flag & os.ST_NOSUID


def capabilities(_host: Any) -> object:
    lines = Path("/proc/self/status").read_text().splitlines()
    return [line for line in lines if line.startswith("Cap") and int(line.split()[1], 16)]


def keyrings(host: Any) -> object:
    rings = (SESSION, USER)
    return [r for r in rings if LIBC.syscall(KEYCTL, SEARCH, r, b"user", host.key.encode(), 0) > 0]


def shared_memory(host: Any) -> object:
    return Path("/dev/shm", host.shared).read_text()


def system_v_memory(host: Any) -> object:
    return LIBC.shmget(host.segment, 0, 0) >= 0


def more_memory(_host: Any) -> object:
    return len(bytearray(2 << 30))


def more_processes(_host: Any) -> object:
    count = 0
    with contextlib.suppress(BlockingIOError):
        for _ in range(500):
            if os.fork() == 0:
                time.sleep(5)
                os._exit(0)
            count += 1
    return count > 200


def more_disk(_host: Any) -> object:
    with open("/tmp/big", "wb") as file:
        return file.truncate(1 << 40)


def more_shared_memory(_host: Any) -> object:
    with open("/dev/shm/big", "wb") as file:
        file.writelines(bytes(1 << 20) for _ in range(2048))
    return True


def higher_limits(_host: Any) -> object:
    raised = []
    for kind in (resource.RLIMIT_DATA, resource.RLIMIT_NPROC, resource.RLIMIT_FSIZE):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(kind, (-1, -1))
            raised.append(kind)
    return raised


def higher_priority(_host: Any) -> object:
    os.nice(-5)
    return True


def terminal_of_the_user(_host: Any) -> object:
    typed: list[object] = []
    for number in (0, 1, 2):
        with contextlib.suppress(OSError):
            typed += [fcntl.ioctl(number, TIOCSTI, b"x")]
    with contextlib.suppress(OSError):
        typed += [os.open("/dev/tty", os.O_RDWR)]
    return typed


def set_the_clock(_host: Any) -> object:
    time.clock_settime(time.CLOCK_REALTIME, time.time())
    return True


def restart_the_machine(_host: Any) -> object:
    ctrl_alt_del_off = 0  # harmless where it works
    return LIBC.syscall(REBOOT, 0xFEE1DEAD, 672274793, ctrl_alt_del_off, None) == 0


def name_of_the_host(host: Any) -> object:
    return socket.gethostname() == host.name


def main() -> None:
    """Try everything that was asked for, each in a process of its own."""
    host = type("Host", (), json.loads(sys.argv[1]))
    results = {}
    for name in sys.argv[2:]:
        told, tell = os.pipe()
        if (child := os.fork()) == 0:
            os.close(told)
            try:
                got = globals()[name](host)
                os.write(tell, f"got out: {got!r}"[:200].encode() if got else b"held")
            except BaseException as error:  # noqa: BLE001 - whatever held it
                os.write(tell, f"held by {error!r}"[:200].encode())
            os._exit(0)
        os.close(tell)
        with open(told, "rb") as file:
            results[name] = file.read().decode()
        os.waitpid(child, 0)
    sys.stdout.write(json.dumps(results))


PROBES = sorted(
    name
    for name, value in list(globals().items())
    if callable(value)
    and getattr(value, "__module__", "") == __name__
    and name not in ("main", "is_open_before_us")
)

if __name__ == "__main__":
    main()
