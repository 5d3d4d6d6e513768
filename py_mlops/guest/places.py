"""Which folders belong to the system, the interpreter and Jupyter, not to the user's work."""

from __future__ import annotations

import glob
import os
import re
import site
import sys
import sysconfig
import tempfile
from typing import Iterable

_SYSTEM = (
    *("/proc", "/sys", "/dev", "/etc", "/boot", "/bin", "/sbin", "/lib", "/lib64"),
    *("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/libexec", "/usr/share"),
    "/usr/include",
)
_INSTALLED = ("lib", "lib64", "bin", "include", "share", "etc", "conda-meta", "pyvenv.cfg")
_OF_JUPYTER = (
    *("~/.ipython", "~/.jupyter", "~/.local/share/jupyter"),
    *("$IPYTHONDIR", "$JUPYTER_CONFIG_DIR", "$JUPYTER_DATA_DIR", "$JUPYTER_RUNTIME_DIR"),
    "$XDG_RUNTIME_DIR/jupyter",
)
_REFILLED = (
    *("matplotlib", "fontconfig", "thumbnails", "mesa_shader_cache", "mesa_shader_cache_db"),
    *("pip", "uv", "pipenv", "pypoetry", "virtualenv", "conda", "rattler", "pre-commit"),
    *("black", "mypy", "ruff", "jedi", "parso", "ipython", "jupyter", "py-mlops"),
    *("nvidia", "numba", "pytensor", "pytools", "pyopencl", "torch_extensions", "ccache"),
    *("node-gyp", "yarn", "go-build", "bazel", "ms-playwright", "selenium", "mozilla"),
    *("chromium", "google-chrome", "JetBrains", "Microsoft", "dconf", "gstreamer-1.0"),
)
"""Folders of a cache that programs fill by themselves, with nothing that anybody chose."""

_CACHES = (
    *(os.path.join(cache, name) for cache in ("~/.cache", "$XDG_CACHE_HOME") for name in _REFILLED),
    *("$MPLCONFIGDIR", "~/.matplotlib", "~/.fonts", "~/.local/share/fonts"),
    "/var/cache/fontconfig",
)

KEPT = tuple(
    os.path.join(home, name)
    for home in ("~/.ipython", "$IPYTHONDIR")
    for name in (
        "extensions/",
        "profile_default/startup/*.py",
        "profile_default/startup/*.ipy",
        "profile_default/db/autorestore/",
        "profile_default/ipython_config.py",
        "profile_default/ipython_kernel_config.py",
    )
)
"""What somebody put among IPython's own files: code that runs before the first cell, and
variables that ``%store`` keeps. These are watched."""

PARTS = ("__pycache__", ".ipynb_checkpoints", ".git")
"""Folders that are left out wherever they lie."""

_UNSEEN = tuple("/" + part + "/" for part in PARTS if part != ".git")
_INSIDE_GIT = re.compile(r"/\.git/[^/]+/")


def lies_apart(path: str) -> bool:
    """Say whether a path lies in one of `PARTS` and is not even looked at.

    What lies right in a ``.git``, such as ``HEAD``, is seen, and left out later:
    it tells that the program asked git.
    """
    return any(part in path for part in _UNSEEN) or _INSIDE_GIT.search(path) is not None


def prefixes() -> list[str]:
    """Return the roots of this interpreter and of its installed packages."""
    roots = [sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix]
    roots += [sysconfig.get_path(key) for key in ("stdlib", "platstdlib", "purelib", "platlib")]
    if hasattr(site, "getsitepackages"):  # an old virtualenv's site has neither
        roots += [*site.getsitepackages(), site.getusersitepackages()]
    return [root for root in roots if root]


def installed(roots: Iterable[str]) -> list[str]:
    """Return the folders below interpreter roots that installers fill.

    A root itself is not one of them unless it holds packages only: with the
    root ``/usr`` a project in ``/usr/src/app`` is still the user's.

    Args:
        roots: Such as `prefixes` returns.
    """
    found: dict[str, None] = {}
    for root in roots:
        name = os.path.basename(root.rstrip(os.sep))
        if name in ("site-packages", "dist-packages") or name.startswith("python3."):
            found.setdefault(root)
        found.update(dict.fromkeys(os.path.join(root, part) for part in _INSTALLED))
    return list(found)


def left_out(roots: Iterable[str]) -> list[tuple[str, str]]:
    """Return every prefix of paths that are left out by default, and why.

    Args:
        roots: Roots of the interpreter and its packages.

    Returns:
        Pairs of an absolute path prefix, which ends in a separator where it
        names a folder, and the reason in plain words.
    """
    rules = [(path, "the operating system's own files") for path in _SYSTEM]
    of_python = [path for path in installed(roots) if path not in _SYSTEM]  # of Debian's own
    rules += [(path, "the interpreter and its packages") for path in of_python]
    rules += [(path, "Jupyter's own files") for path in _expanded(_OF_JUPYTER)]
    rules += [(path, "a cache, which is filled anew when empty") for path in _expanded(_CACHES)]
    folders = [(os.path.join(path, ""), why) for path, why in rules]
    cells = os.path.join(tempfile.gettempdir(), "ipykernel_")
    return list(dict.fromkeys([*folders, (cells, "Jupyter's own files")]))


def untraced(roots: Iterable[str]) -> list[str]:
    """Return the folders that the tracer itself passes over: the system's and the packages'.

    Args:
        roots: Roots of the interpreter and its packages.
    """
    return [os.path.join(path, "") for path in dict.fromkeys([*_SYSTEM, *installed(roots)])]


def kept() -> list[str]:
    """Return the folders and files that are watched although they lie in one that is left out.

    Of files only those that are there now: what a kernel has not begun with, it does not run.
    """
    folders = [path for path in KEPT if path.endswith("/")]
    files = _expanded(path for path in KEPT if not path.endswith("/"))
    found = [path for pattern in files for path in sorted(glob.glob(pattern))]
    return [*(os.path.join(path, "") for path in _expanded(folders)), *found]


def _expanded(paths: Iterable[str]) -> list[str]:
    full = [os.path.expanduser(os.path.expandvars(path)) for path in paths]
    plain = [os.path.normpath(path) for path in full if os.path.isabs(path)]
    # A home may be a link, which some follow and some do not.
    return list(dict.fromkeys([*plain, *map(os.path.realpath, plain)]))
