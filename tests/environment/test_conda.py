from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.conda.listing import conda_packages, listing, read_listing
from py_mlops.errors import Hostile

MD5 = "d41d8cd98f00b204e9800998ecf8427e"


def put(prefix: Path, name: str, **said: Any) -> None:
    """Write the file of an installed package, as conda does."""
    (prefix / "conda-meta").mkdir(parents=True, exist_ok=True)
    (prefix / "conda-meta" / f"{name}.json").write_text(json.dumps({"name": name, **said}))


def test_an_explicit_list_is_read_without_any_host_or_token(tmp_path: Path) -> None:
    """Channel, platform, file and digest of each package remain, sorted; secrets do not."""
    put(tmp_path, "zlib", url="https://me:pw@conda.example.org/t/to-ken/forge/linux-64/zlib-1-h.conda",
        md5=MD5)  # fmt: skip
    put(tmp_path, "blas", url="https://repo.example.com/pkgs/main/noarch/blas-1-x.tar.bz2")
    assert listing(one.package for one in conda_packages([str(tmp_path)])) == (
        f"forge/linux-64/zlib-1-h.conda#{MD5}\npkgs/main/noarch/blas-1-x.tar.bz2\n".encode()
    )


def test_what_says_nothing_usable_is_left_out(tmp_path: Path) -> None:
    """Torn files, other shapes and paths that lead elsewhere are no package."""
    put(tmp_path, "up", url="https://conda.example.org/../../etc/passwd")
    put(tmp_path, "line", url="https://conda.example.org/a/linux-64/x.conda\n@EXPLICIT")
    put(tmp_path, "none")
    (tmp_path / "conda-meta" / "torn.json").write_text("{")
    (tmp_path / "conda-meta" / "list.json").write_text("[]")
    assert conda_packages([str(tmp_path)]) == []


def test_another_environment_has_no_such_list(tmp_path: Path) -> None:
    """Without conda-meta there is nothing to say."""
    assert conda_packages([str(tmp_path), "/nowhere"]) == []


def test_a_digest_is_the_best_that_conda_noted(tmp_path: Path) -> None:
    """A sha256 comes before an md5, and one that is none is left out."""
    put(tmp_path, "a", url="https://c.example.org/f/noarch/a-1-0.conda", md5=MD5, sha256="0" * 64)
    put(tmp_path, "b", url="https://c.example.org/f/noarch/b-1-0.conda", sha256="../../x")
    found = [one.package for one in conda_packages([str(tmp_path)])]
    assert read_listing(listing(found)) == found
    assert [one.digest for one in found] == ["0" * 64, ""]


@pytest.mark.parametrize(
    "line",
    ["forge/linux-64/../../x-1-0.conda", "/linux-64/x-1-0.conda", "x-1-0.conda", "f/noarch/x.conda",
     f"f/noarch/x-1-0.conda#{'0' * 63}", "f/noarch/x-1-0.zip", "f/noarch/ x-1-0.conda", "é"],
)  # fmt: skip
def test_a_strange_list_is_refused(line: str) -> None:
    """Whatever somebody else's record calls a conda package is looked at first."""
    with pytest.raises(Hostile, match="refused"):
        read_listing(f"{line}\n".encode())


def test_a_list_names_nothing_twice() -> None:
    """Two versions of one package cannot both be installed."""
    with pytest.raises(Hostile, match="twice"):
        read_listing(b"f/noarch/x-1-0.conda\nf/noarch/x-2-0.conda\n")
