from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from py_mlops.environment.conda import conda_packages

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
    assert conda_packages([str(tmp_path)]) == (
        f"forge/linux-64/zlib-1-h.conda#{MD5}\npkgs/main/noarch/blas-1-x.tar.bz2\n".encode()
    )


def test_what_says_nothing_usable_is_left_out(tmp_path: Path) -> None:
    """Torn files, other shapes and paths that lead elsewhere are no package."""
    put(tmp_path, "up", url="https://conda.example.org/../../etc/passwd")
    put(tmp_path, "line", url="https://conda.example.org/a/linux-64/x.conda\n@EXPLICIT")
    put(tmp_path, "none")
    (tmp_path / "conda-meta" / "torn.json").write_text("{")
    (tmp_path / "conda-meta" / "list.json").write_text("[]")
    assert conda_packages([str(tmp_path)]) is None


def test_another_environment_has_no_such_list(tmp_path: Path) -> None:
    """Without conda-meta there is nothing to say."""
    assert conda_packages([str(tmp_path), "/nowhere"]) is None
