from __future__ import annotations

import os
from pathlib import Path

import pytest

from py_mlops.guest.named import as_written, named_files
from py_mlops.guest.observe import observer

BEGAN = 10**18


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Make a folder with files older than the session, one file younger, and a folder."""
    (tmp_path / "data").mkdir()
    for name in ("a.parquet", "b.parquet", "data/c.h5", "made.png"):
        (tmp_path / name).write_text("x")
        os.utime(tmp_path / name, ns=(1, BEGAN + 1 if name == "made.png" else 1))
    return tmp_path


def names(source: str, folder: Path) -> dict[str, str]:
    """Return the files a cell names and what it does to them."""
    found = named_files(source, str(folder), set(), BEGAN)
    return {str(Path(file["path"]).relative_to(folder)): file["first"] for file in found}


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("pl.read_parquet('a.parquet')", {"a.parquet": "read"}),
        ("%time x = pl.scan('a.parquet')", {"a.parquet": "read"}),
        ("%%time\nx = 'a.parquet'", {"a.parquet": "read"}),
        ("%%bash\necho 'a.parquet'", {}),
        ("!ls\n%cd x\nf?\ny = !ls 'b.parquet'\nx = 'a.parquet'", {"a.parquet": "read"}),
        ("await f('a.parquet')", {"a.parquet": "read"}),
        ("this is no python: 'a.parquet'", {"a.parquet": "read"}),
        ("x = '*.parquet'", {"a.parquet": "read", "b.parquet": "read"}),
        ("h5py.File(Path('data') / 'c.h5')", {"data/c.h5": "read"}),
        ("DATA = 'data'\nf(os.path.join(DATA, 'c.h5'))", {"data/c.h5": "read"}),
        ("frame.to_parquet('a.parquet')", {"a.parquet": "write"}),
        ("cv2.imwrite('a.parquet', x)", {"a.parquet": "write"}),
        ("show('made.png')", {"made.png": "write"}),
        ("cv2.imread('made.png')", {"made.png": "read"}),
        ("f('data', 'missing', '', '*', 'http://a.parquet', 'a\\0b')", {}),
        ("f('\\d a.parquet')", {}),
        ("con.execute(\"attach 'a.parquet' as d\")", {"a.parquet": "read"}),
        (
            'duckdb.sql(\'select * from "data/c.h5" join "a.parquet"\')',
            {"a.parquet": "read", "data/c.h5": "read"},
        ),
        ("ds.dataset('data')", {"data/c.h5": "read"}),
        ("pl.read_parquet('data/')", {"data/c.h5": "read"}),
        ("os.listdir('data')", {}),
        ("pl.read_parquet('.'), pl.read_parquet('/')", {}),
        ("pl.read_parquet(f'{name}.parquet')", {"a.parquet": "read", "b.parquet": "read"}),
        ("D = 1\nh5py.File(f'{D}/c.h5')", {"data/c.h5": "read"}),
        ("D = 'data'\npd.read_hdf(f'{D}/{x:02d}.h5')", {"data/c.h5": "read"}),
        ("scan('%s.parquet' % name)", {"a.parquet": "read", "b.parquet": "read"}),
        ("scan('a.{}'.format(kind))", {"a.parquet": "read"}),
        ("print(f'{name}.parquet')", {}),
    ],
)
def test_named_files(source: str, found: dict[str, str], folder: Path) -> None:
    """Strings that name files are found in any cell, with what the code does to them."""
    assert names(source, folder) == found


def test_seen_before(folder: Path) -> None:
    """A file that was seen already is not named again."""
    assert named_files("'a.parquet'", str(folder), {f"{folder}/a.parquet"}, BEGAN) == []


def test_one_of_several_seen(folder: Path) -> None:
    """Where a computed name's reader is seen, only the files that it read are inputs."""
    source = "read(f'{name}.parquet')"
    assert named_files(source, str(folder), {f"{folder}/a.parquet"}, BEGAN) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("pl.read_parquet(D / 'c.h5')", {"data/c.h5": "read"}),
        ("pl.read_parquet(f'{D}/{n}.h5')", {"data/c.h5": "read"}),
        ("pl.read_parquet(name)", {"a.parquet": "read"}),
        ("name = 'b.parquet'\npl.read_parquet(name)", {"b.parquet": "read"}),
        ("_i1", {}),
    ],
)
def test_variables_of_other_cells(source: str, found: dict[str, str], folder: Path) -> None:
    """A folder or name that an earlier cell put into a variable is known in later ones."""
    given = {"D": Path("data"), "n": 1, "name": "a.parquet", "_i1": "a.parquet"}
    seen = named_files(source, str(folder), set(), BEGAN, given)
    assert {str(Path(file["path"]).relative_to(folder)): file["first"] for file in seen} == found


def test_deeply_nested(folder: Path) -> None:
    """Code that is too deep to walk names nothing, and nothing breaks."""
    assert names("f(" * 5000, folder) == names("+".join(["1"] * 20000), folder) == {}


@pytest.mark.filterwarnings("error")
def test_no_warning_of_ours(folder: Path) -> None:
    """A dubious escape in someone's code is not warned about a second time."""
    assert names(r"'\d', 'a.parquet'", folder) == {"a.parquet": "read"}


@pytest.mark.parametrize(
    ("source", "read"),
    [
        ("open('/etc/passwd')", True),
        ("where = '/etc/passwd'", False),
        ("ImageFont.truetype('/etc/passwd')", False),
        ("open('/proc/cpuinfo')", False),
    ],
)
def test_a_file_of_the_system(
    source: str, read: bool, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It counts where the code reads it, and does not tell of the machine."""
    monkeypatch.setattr(observer()._opens, "_left_out", ("/etc/", "/proc/"))
    assert [file["path"] for file in named_files(source, str(folder), set())] == (
        ["/etc/passwd"] if read else []
    )


def test_a_native_read_goes_by_the_name_in_the_code() -> None:
    """The tracer tells whole paths; a record's reader wants the name that stands in the cell."""
    cells = ["pl.read_parquet('data/a.parquet')", "other()"]
    assert as_written("/data/ada/data/a.parquet", cells, "/data/ada") == "data/a.parquet"
    assert as_written("/data/ada/data/b.parquet", cells, "/data/ada") == "/data/ada/data/b.parquet"
    assert as_written("/srv/data/a.parquet", cells, "/data/ada") == "/srv/data/a.parquet"
