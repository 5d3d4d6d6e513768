"""The house stays as drawn: floors, sizes, names, a guest that needs nobody, no addresses."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import grimp
import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "py_mlops"
MODULES = sorted(PACKAGE.rglob("*.py"))
GUEST = sorted((PACKAGE / "guest").rglob("*.py"))

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

MODULE_LINES, FUNCTION_LINES, CLASS_LINES, CONFTEST_LINES = 400, 50, 250, 150

NAMES_THAT_SAY_NOTHING = {"utils", "util", "helpers", "helper", "manager", "common", "misc"}

# Spelled in pieces, so that this file passes its own test.
ADDRESSES = re.compile(
    "|".join((
        r"py" + r"pi\.org", r"python" + r"hosted", r"npm" + r"js\.", r"yarn" + r"pkg\.",
        r"deb\.deb" + r"ian", r"conda\.an" + r"aconda", r"conda" + r"-forge\.org",
        r"(?<![\w.])/wo" + r"rk/", r"(?<![\w.])/ro" + r"ot/", r"(?<![\w.])/ho" + r"me/\w",
    ))
)  # fmt: skip


def tracked() -> list[Path]:
    """Return every file that git tracks or would track; every file where there is no git."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=False,
    )  # fmt: skip
    if listing.returncode == 0:
        names = listing.stdout.decode().split("\0")
        return sorted(ROOT / name for name in names if name and (ROOT / name).is_file())
    made = re.compile(r"(^|/)(\.(?!ci/|gitignore$)|__pycache__/)")
    files = (path for path in ROOT.rglob("*") if path.is_file())
    return sorted(path for path in files if not made.search(relative(path)))


def relative(path: Path) -> str:
    """Return a path as messages show it."""
    return str(path.relative_to(ROOT))


def length(node: ast.stmt) -> int:
    """Return how many lines a definition takes; a function's docstring is not its code."""
    lines = (node.end_lineno or node.lineno) - node.lineno + 1
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and ast.get_docstring(node):
        lines -= (node.body[0].end_lineno or 0) - node.body[0].lineno + 1
    return lines


def imports_at_import_time(tree: ast.Module) -> set[str]:
    """Return the top packages that a module imports when it is itself imported."""
    found: set[str] = set()
    waiting: list[ast.AST] = list(tree.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Import):
            found.update(alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            found.add("." if node.level else (node.module or "").split(".")[0])
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting.extend(ast.iter_child_nodes(node))
    return found


def test_contracts(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Every import contract in pyproject.toml is kept."""
    monkeypatch.chdir(ROOT)
    broken = lint_imports(no_cache=True, no_logo=True, verbose=False)
    assert broken == 0, capsys.readouterr().out


def test_no_circles_between_modules() -> None:
    """Module by module, packages' own files included, imports form no circle."""
    graph = grimp.build_graph("py_mlops", cache_dir=None)
    names = {name for name in graph.modules if name != "py_mlops"}
    imports = {name: graph.find_modules_directly_imported_by(name) & names for name in names}
    TopologicalSorter(imports).prepare()


def test_module_sizes() -> None:
    """No module is longer than 400 lines, no conftest longer than 150."""
    limits = dict.fromkeys(MODULES, MODULE_LINES)
    limits |= dict.fromkeys((ROOT / "tests").rglob("conftest.py"), CONFTEST_LINES)
    for folder in ("campaigns", "benchmarks", "examples"):
        limits |= dict.fromkeys((ROOT / folder).rglob("*.py"), MODULE_LINES)
    lines = {path: len(path.read_text().splitlines()) for path in limits}
    assert {relative(p): n for p, n in lines.items() if n > limits[p]} == {}


def test_function_and_class_sizes() -> None:
    """No function is longer than 50 lines without its docstring, no class longer than 250."""
    long = []
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                limit = FUNCTION_LINES
            elif isinstance(node, ast.ClassDef):
                limit = CLASS_LINES
            else:
                continue
            if length(node) > limit:
                long.append(f"{relative(path)}:{node.lineno} {node.name}: {length(node)} > {limit}")
    assert not long, "\n".join(long)


def test_names_say_something() -> None:
    """No module or folder is called utils, helpers, manager or common."""
    parts = {p.stem for p in MODULES} | {p.parent.name for p in MODULES}
    assert parts & NAMES_THAT_SAY_NOTHING == set()


def test_documented() -> None:
    """Every module, public class and public function says what it is for."""
    silent = []
    for path in MODULES:
        tree = ast.parse(path.read_text())
        for node in (tree, *public(tree)):
            if not ast.get_docstring(node):
                name = getattr(node, "name", "the module")
                silent.append(f"{relative(path)}:{getattr(node, 'lineno', 1)} {name}")
    assert not silent, "\n".join(silent)


def public(scope: ast.Module | ast.ClassDef) -> Iterator[Definition]:
    """Yield the public definitions of a module or class, and those of its public classes."""
    for node in scope.body:
        if isinstance(node, Definition) and not node.name.startswith("_"):
            if not any(ast.unparse(item).endswith(".setter") for item in node.decorator_list):
                yield node
            if isinstance(node, ast.ClassDef):
                yield from public(node)


@pytest.mark.parametrize("path", GUEST, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_guest_is_old_python(path: Path) -> None:
    """Each file of the guest is Python 3.8 and imports only the standard library when imported."""
    tree = ast.parse(path.read_text(), feature_version=(3, 8))
    ours = {".", "py_mlops"}  # which of ours: the import contract says
    assert imports_at_import_time(tree) - ours <= set(sys.stdlib_module_names)


def test_future_annotations() -> None:
    """Every module that holds code postpones its annotations, so that old Pythons read them."""
    missing = [
        relative(path)
        for path in MODULES
        if len(ast.parse(path.read_text()).body) > 1
        and "from __future__ import annotations" not in path.read_text()
    ]
    assert not missing, "\n".join(missing)


def test_no_address_and_no_machine() -> None:
    """No tracked file names a package registry's host or a folder of someone's machine."""
    told = []
    for path in tracked():
        text = path.read_bytes().decode("utf-8", errors="ignore")
        for number, line in enumerate(text.splitlines(), 1):
            if found := ADDRESSES.search(line):
                told.append(f"{relative(path)}:{number} {found[0]}")
    assert not told, "\n".join(told)


def test_no_merge_is_half_done() -> None:
    """No tracked file holds the marks that a merge leaves where two changes met."""
    marks = re.compile(rb"^(?:<{7} |>{7} |={7}$)", re.MULTILINE)
    assert [relative(path) for path in tracked() if marks.search(path.read_bytes())] == []


def test_locks_hold_no_url() -> None:
    """The locks name versions and hashes, never where to get them, and pin every package."""
    for path in sorted((ROOT / "requirements").glob("*.txt")):
        assert "://" not in path.read_text(), path.name
    lock = (ROOT / "requirements" / "dev.txt").read_text()
    names = re.findall(r"^[a-z0-9].*$", lock, flags=re.MULTILINE)
    assert names
    assert [name for name in names if "==" not in name] == []
    assert lock.count("--hash=sha256:") >= len(names)
