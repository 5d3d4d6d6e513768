"""What a snapshot must know about the kernel's interpreter and machine."""

from __future__ import annotations

import glob
import os
import platform
import re
import site
import sys
import sysconfig

_FLOAT_FEATURES = re.compile(
    r"sse4_[12a]|avx\w*|fma4?|f16c|amx\w*|asimd\w*|sve\w*|sme2?|fphp|bf16|i8mm"
)
_NUMERIC = ("numpy", "scipy", "sklearn", "torch", "xgboost", "lightgbm", "tensorflow")


def facts() -> dict[str, object]:
    """Return the interpreter and the machine, as plain JSON values.

    Returns:
        The shape of ``records.handover.KernelFacts``.
    """
    processor, features = cpu("/proc/cpuinfo")
    return {
        "implementation": sys.implementation.name,
        "version": platform.python_version(),
        "platform": sysconfig.get_platform(),
        "libc": _libc(),
        "executable": sys.executable or "",
        "prefixes": _prefixes(),
        "search_path": _folders(sys.path),
        "machine": platform.machine(),
        "processor": processor,
        "features": features,
        "cores": _cores(),
        "pools": _pools(),
        "gpus": gpus("/"),
    }


def cpu(cpuinfo: str) -> tuple[str, list[str]]:
    """Return the processor's name and the extensions that change floating-point paths.

    Args:
        cpuinfo: Path of Linux's ``/proc/cpuinfo``; need not exist.
    """
    name = ""
    flags: set[str] = set()
    try:
        with open(cpuinfo, encoding="utf-8", errors="replace") as lines:
            for line in lines:
                key, _, value = line.partition(":")
                key = key.strip().lower()
                if key == "model name" and not name:
                    name = value.strip()
                elif key in ("flags", "features"):
                    # Every core repeats the line; the first speaks for all.
                    flags.update(value.split())
                    break
    except OSError:
        flags.clear()
    name = name or platform.processor() or platform.machine()
    return name, sorted(flag for flag in flags if _FLOAT_FEATURES.fullmatch(flag))


def gpus(root: str) -> list[str]:
    """Return the names of the machine's GPUs, as their drivers tell them.

    No library is loaded and no program started for it: in a container without
    the driver's files, or for another maker's, there are none.

    Args:
        root: Where ``proc`` and ``sys`` lie.
    """
    names = []
    for path in sorted(glob.glob(os.path.join(root, "proc/driver/nvidia/gpus/*/information"))):
        found = re.search(r"(?m)^Model:\s*(.+?)\s*$", _read(path))
        names += [found.group(1)] if found else []
    for path in sorted(glob.glob(os.path.join(root, "sys/class/drm/card*/device/product_name"))):
        names += [name for name in [_read(path).strip()] if name]
    return names


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as stream:
            return stream.read(4096)
    except OSError:
        return ""


def _libc() -> str:
    try:
        return os.confstr("CS_GNU_LIBC_VERSION") or ""
    except (AttributeError, OSError, ValueError):
        return " ".join(platform.libc_ver()).strip()


def _prefixes() -> list[str]:
    roots = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    paths = sysconfig.get_paths()
    roots += [paths.get(key, "") for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    roots += site.getsitepackages()
    if site.ENABLE_USER_SITE:
        roots.append(site.getusersitepackages())
    return [folder for folder in _folders([r for r in roots if r]) if folder != os.sep]


def _folders(paths: list[str]) -> list[str]:
    """Make paths absolute and unique, in order; an empty one is where we are."""
    seen: dict[str, None] = {}
    for path in paths:
        if isinstance(path, str):  # programs append pathlib paths too, which Python ignores
            try:
                seen.setdefault(os.path.abspath(path), None)
            except OSError:  # the working folder is gone
                continue
    return list(seen)


def _cores() -> int:
    try:
        return len(os.sched_getaffinity(0))
    except (AttributeError, OSError):
        return os.cpu_count() or 1


def _pools() -> list[list[object]]:
    """Return the native thread pools: library, version, threads.

    Asking must load nothing numeric: without a numeric library in the kernel
    there is no pool, and without threadpoolctl nobody can tell.
    """
    if not any(name in sys.modules for name in _NUMERIC):
        return []
    try:
        import threadpoolctl

        pools = [
            (
                str(pool.get("prefix") or pool.get("internal_api") or ""),
                str(pool.get("version") or ""),
                int(pool.get("num_threads") or 0),
            )
            for pool in threadpoolctl.threadpool_info()
        ]
    except Exception:  # a foreign library may fail in any way
        return []
    return [list(pool) for pool in sorted(pools)]
