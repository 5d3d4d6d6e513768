from __future__ import annotations

from pathlib import Path

import pytest

from py_mlops.errors import InputError
from py_mlops.store.address import TeamAddress, parse
from py_mlops.store.blobs.folder import FolderBlobs
from py_mlops.store.blobs.kind import open_blobs


@pytest.mark.parametrize("folder", ["/data/store", "store", "a?b=c", "postgresql", "a:b"])
def test_what_has_no_scheme_is_a_folder(folder: str) -> None:
    """Any path is a folder, whatever characters are in it."""
    assert parse(folder) == Path(folder)


@pytest.mark.parametrize("scheme", ["postgresql", "postgres", "postgresql+psycopg"])
def test_a_teams_address_names_database_and_bytes(scheme: str) -> None:
    """The place of the bytes is taken out of the query; libpq's own words stay in it."""
    if scheme == "postgresql+psycopg":
        with pytest.raises(InputError, match="cannot be kept at"):
            parse(f"{scheme}://db/mlops?blobs=s3://bucket/mlops")
        return
    place = parse(f"{scheme}://ann@db:5433/mlops?sslmode=require&blobs=s3://bucket/mlops")
    assert isinstance(place, TeamAddress)
    assert place.blobs == "s3://bucket/mlops"
    assert str(place.ledger) == "postgresql://ann@db:5433/mlops?sslmode=require"


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://ann:hunter2@db/mlops?blobs=s3://b/p",
        "postgresql://ann@db/mlops?blobs=s3://b/p&password=hunter2",
        "postgresql://ann@db/mlops?sslpassword=hunter2&blobs=s3://b/p",
    ],
)
def test_a_password_in_an_address_is_refused_and_not_repeated(address: str) -> None:
    """An address is shown and handed to other processes, so it may hold no password."""
    with pytest.raises(InputError, match="holds a password") as caught:
        parse(address)
    assert "hunter2" not in str(caught.value)
    assert "~/.pgpass" in caught.value.hint


@pytest.mark.parametrize(
    ("address", "message"),
    [
        ("postgresql://db/mlops", "does not say where the bytes are"),
        ("postgresql://db/mlops?blobs=", "does not say where the bytes are"),
        ("postgresql://db/mlops?blobs=/a&blobs=/b", "or says it twice"),
        ("postgresql://db:port:hunter2/mlops?blobs=/a", "cannot be read"),
        ("mysql://db/mlops?blobs=/a", "cannot be kept at mysql://"),
        ("s3://bucket/prefix", "cannot be kept at s3://"),
        ("sqlite:////data/ledger.sqlite", "cannot be kept at sqlite://"),
    ],
)
def test_what_is_no_address_says_what_one_looks_like(address: str, message: str) -> None:
    """Every wrong address names what is wrong and shows a right one."""
    with pytest.raises(InputError, match=message) as caught:
        parse(address)
    assert "blobs=" in caught.value.hint
    assert "hunter2" not in str(caught.value)


def test_bytes_lie_in_a_folder_or_a_bucket(tmp_path: Path) -> None:
    """A path is a folder; anything else must be a bucket's scheme, without a key in it."""
    assert isinstance(open_blobs(str(tmp_path)), FolderBlobs)
    with pytest.raises(InputError, match="is not absolute"):
        open_blobs("blobs")
    with pytest.raises(InputError, match="cannot be kept at ftp://"):
        open_blobs("ftp://host/x")
    with pytest.raises(InputError, match="holds a key or a password") as caught:
        open_blobs("s3://key:hunter2@bucket/x")
    assert "hunter2" not in str(caught.value)
