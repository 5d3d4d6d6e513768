from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from py_mlops.environment.installed import fingerprint, installed, without_credentials
from py_mlops.environment.interpreters import interpreter_of

NAMES = {"PKG_INFO": "PKG-INFO", "direct_url": "direct_url.json"}


def metadata(folder: Path, kind: str, **files: str) -> Path:
    """Write a metadata folder with some files."""
    info = folder / kind
    info.mkdir(parents=True)
    for name, text in files.items():
        (info / NAMES.get(name, name)).write_text(text)
    return info


HEADER = "Metadata-Version: 2.1\nName: {}\nVersion: {}\n"


def test_another_interpreters_packages_are_read(plain: Any) -> None:
    """The packages of any interpreter's folders are listed, with the tags of their wheels."""
    idna, six = installed(plain.facts.search_path)
    assert (idna.name, idna.version, idna.source) == ("idna", "3.10", "index")
    assert (six.name, six.tags, six.installer) == ("six", ("py2-none-any", "py3-none-any"), "uv")


def test_editable_and_local_packages_are_told_apart(mixed: Any) -> None:
    """A working tree in editable mode and a package from a folder are not taken for releases."""
    found = {one.name: one for one in installed(mixed.facts.search_path)}
    assert found["zz-working-tree"].source == "editable"
    assert found["zz-working-tree"].origin.startswith("file:///")
    assert found["zz-local"].source == "local"
    assert found["six"].source == "index"


def test_names_and_versions_are_normalised(tmp_path: Path) -> None:
    """However an installer wrote them, names follow PEP 503 and versions PEP 440."""
    metadata(tmp_path, "Ruamel.Yaml_clib-0.2.07.dist-info", METADATA="")
    metadata(tmp_path, "old-name-1.0.dist-info", METADATA=HEADER.format("Old_Name", "1.0"))
    metadata(tmp_path, "legacy.egg-info", PKG_INFO=HEADER.format("legacy", "2004d-final"))
    (tmp_path / "one_file-1.0-py3.11.egg-info").write_text(HEADER.format("One.File", "1.00"))
    assert [(one.name, one.version) for one in installed([str(tmp_path)])] == [
        ("legacy", "2004d-final"),
        ("old-name", "1.0"),
        ("one-file", "1.0"),
        ("ruamel-yaml-clib", "0.2.7"),
    ]


def test_the_first_on_the_path_wins(tmp_path: Path) -> None:
    """Of two installations of a package the one that Python would import counts."""
    metadata(tmp_path / "user", "six-1.16.0.dist-info", METADATA="")
    metadata(tmp_path / "system", "six-1.17.0.dist-info", METADATA="")
    found = installed([str(tmp_path / "user"), str(tmp_path / "system")])
    assert [one.version for one in found] == ["1.16.0"]


def test_a_working_tree_on_the_path_is_editable(tmp_path: Path) -> None:
    """An egg-info beside the code is a working tree; a proper installation of it comes first."""
    tree = tmp_path / "tree"
    metadata(tree, "mine.egg-info", PKG_INFO=HEADER.format("mine", "1.0"))
    assert [one.source for one in installed([str(tree)])] == ["editable"]
    metadata(tmp_path / "site-packages", "mine-1.0.dist-info", METADATA="")
    found = installed([str(tree), str(tmp_path / "site-packages")])
    assert [one.source for one in found] == ["index"]


def test_broken_metadata_is_passed_over(tmp_path: Path, plain: Any) -> None:
    """Remains of an interrupted uninstall are no package; an unreadable origin is no release."""
    shutil.copytree(plain.site, tmp_path / "site")
    metadata(tmp_path / "site", "~ix-1.17.0.dist-info", METADATA="")
    metadata(tmp_path / "site", "gone-1.0.dist-info", RECORD="")
    metadata(tmp_path / "site", "torn-1.0.dist-info", METADATA="", direct_url="{")
    metadata(tmp_path / "site", "odd-1.0.dist-info", METADATA="", direct_url="[]")
    (tmp_path / "site" / "empty-1.0.egg-info").touch()
    found = installed([str(tmp_path / "site"), str(tmp_path / "absent"), str(__file__)])
    assert [(one.name, one.source) for one in found] == [
        ("idna", "index"),
        ("odd", "url"),
        ("six", "index"),
        ("torn", "url"),
    ]


def test_this_product_is_not_part_of_the_environment(tmp_path: Path) -> None:
    """Our own distribution is left out: a rerun does not need it."""
    metadata(tmp_path, "py_mlops-0.1.dist-info", METADATA="")
    assert installed([str(tmp_path)]) == []


def test_a_version_control_install_names_its_commit_without_secrets(tmp_path: Path) -> None:
    """Of a direct URL everything that could be a secret is dropped, the commit stays."""
    record = {
        "url": "https://me:token@git.example.org/mine.git?key=secret",
        "vcs_info": {"vcs": "git", "commit_id": "abc123"},
        "subdirectory": "python",
    }
    metadata(tmp_path, "mine-1.0.dist-info", METADATA="", direct_url=json.dumps(record))
    (one,) = installed([str(tmp_path)])
    assert one.source == "vcs"
    assert one.origin == "git+https://git.example.org/mine.git@abc123#subdirectory=python"


def test_condas_build_folder_is_no_origin(tmp_path: Path) -> None:
    """A conda package names the folder it was built in; that is not taken for a local install."""
    metadata(
        tmp_path, "six-1.17.0.dist-info", METADATA="", INSTALLER="conda\n",
        direct_url='{"url": "file:///croot/six/work", "dir_info": {}}',
    )  # fmt: skip
    (one,) = installed([str(tmp_path)])
    assert (one.source, one.origin, one.installer) == ("conda", "", "conda")


@pytest.mark.parametrize(
    ("url", "clean"),
    [
        ("https://u:p@example.org/x.whl?t=1#sha256=a", "https://example.org/x.whl"),
        ("ssh://git@example.org/x.git", "ssh://example.org/x.git"),
        ("file:///srv/ada/x", "file:///srv/ada/x"),
    ],
)
def test_urls_lose_their_credentials(url: str, clean: str) -> None:
    """User, password, query and fragment of a URL are not recorded."""
    assert without_credentials(url) == clean


def test_the_fingerprint_follows_every_installation(tmp_path: Path, plain: Any) -> None:
    """Installing, upgrading, reinstalling or making editable changes the fingerprint."""
    shutil.copytree(plain.site, tmp_path / "site")
    path, interpreter = [str(tmp_path / "site")], interpreter_of(plain.facts)
    seen = [fingerprint(path, interpreter)]
    assert fingerprint(path, interpreter) == seen[0]
    info = metadata(tmp_path / "site", "new-1.0.dist-info", METADATA="")
    seen.append(fingerprint(path, interpreter))
    (info / "RECORD").write_text("new.py,,\n")
    seen.append(fingerprint(path, interpreter))
    (info / "direct_url.json").write_text("{}")
    seen.append(fingerprint(path, interpreter))
    info.rename(info.with_name("new-1.1.dist-info"))
    seen.append(fingerprint(path, interpreter))
    assert len(set(seen)) == len(seen)


def test_working_without_installing_keeps_the_fingerprint(tmp_path: Path, plain: Any) -> None:
    """Compiled bytecode and other files beside the packages do not ask for a new lock."""
    shutil.copytree(plain.site, tmp_path / "site")
    path, interpreter = [str(tmp_path / "site")], interpreter_of(plain.facts)
    before = fingerprint(path, interpreter)
    (tmp_path / "site" / "__pycache__").mkdir(exist_ok=True)
    (tmp_path / "site" / "notes.txt").write_text("x")
    assert fingerprint(path, interpreter) == before
