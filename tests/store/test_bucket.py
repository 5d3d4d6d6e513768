from __future__ import annotations

import os
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from py_mlops.errors import InputError, StoreUnavailable
from py_mlops.store.blobs.bucket import objects as bucket_objects
from py_mlops.store.blobs.bucket.blobs import BucketBlobs
from py_mlops.store.blobs.bucket.keys import doomed, key, touched
from py_mlops.store.blobs.kind import open_blobs
from tests.buckets import KEY_ID, SECRET, Service, environment, free_port, moto, rclone
from tests.store.contract import BlobsContract
from tests.store.samples import digest


@pytest.fixture(scope="module", params=["moto", "rclone"])
def any_service(request: pytest.FixtureRequest) -> Iterator[Service]:
    """Return a running bucket service, of each kind in turn."""
    with {"moto": moto, "rclone": rclone}[request.param]() as running:
        yield running


@pytest.fixture
def service(any_service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """Return the service, with what a person sets to use it set."""
    use(any_service.environment, monkeypatch)
    return any_service


def use(variables: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Set what a person sets, and nothing else of it."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def blobs(service: Service) -> BucketBlobs:
    """Return blobs in an empty prefix."""
    opened = open_blobs(service.address())
    assert isinstance(opened, BucketBlobs)
    return opened


@pytest.fixture
def damage(blobs: BucketBlobs) -> Callable[[str, bytes], None]:
    """Return a function that overwrites a blob."""
    return lambda name, data: blobs._objects.put(key(name), data)


class TestBucketKeepsTheContract(BlobsContract):
    pass


def test_a_large_file_goes_in_parts_and_comes_back(blobs: BucketBlobs, tmp_path: Path) -> None:
    """A file of many parts is whole in the bucket, and is read in part without reading all."""
    data = os.urandom(23 << 20)
    (tmp_path / "large").write_bytes(data)
    blob = blobs.put_file(tmp_path / "large")
    assert blobs.read(blob.digest) == data
    with blobs.open(blob.digest) as file:
        assert file.read(2) == data[:2]
        assert file.seek(-5, 2) == len(data) - 5
        assert file.read() == data[-5:]
        file.seek(1 << 20)
        assert file.read(3) == data[1 << 20 : (1 << 20) + 3]


def test_storing_again_renews_the_grace(blobs: BucketBlobs, service: Service) -> None:
    """What is put or touched anew is noted, whether or not the service knows conditions."""
    blob = blobs.put_bytes(b"old")
    blobs.put_bytes(b"old")
    if service.conditions:  # else it was written anew, which is a note in itself
        assert blobs._objects.meta(touched(blob.digest))
    other = blobs.put_bytes(b"other")
    assert blobs.touch(other.digest) == other
    assert blobs._objects.meta(touched(other.digest))
    assert blobs.sweep_tmp(3600) == []
    swept = blobs.sweep_tmp(-2)
    assert touched(other.digest) in swept
    assert set(blobs) == {blob, other}


@pytest.mark.parametrize("page", [1000, 7])
def test_many_are_kept_with_one_question(
    blobs: BucketBlobs, page: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Asked for many blobs, the store says which it has, however long its list is."""
    monkeypatch.setattr(bucket_objects, "_PAGE", page)
    with blobs.batch() as writer:
        put = {blob.digest: blob for blob in (writer.put_bytes(b"%d" % n) for n in range(50))}
    assert blobs.touch_all([*put, digest("never")]) == put
    few = dict(list(put.items())[:3])
    assert blobs.touch_all([*few, digest("never")]) == few


def test_who_wants_a_blob_waits_for_its_collector(blobs: BucketBlobs) -> None:
    """A blob that a collector has in hand is put again once it is gone, and then stays."""
    blob = blobs.put_bytes(b"data")
    blobs._objects.put(doomed(blob.digest))
    collector = BucketBlobs(blobs._place)

    def collect() -> None:
        collector._objects.remove(key(blob.digest))
        collector._objects.remove(doomed(blob.digest))

    later = threading.Timer(0.5, collect)
    later.start()
    assert blobs.put_bytes(b"data") == blob
    later.join()
    assert blobs.read(blob.digest) == b"data"


def test_a_collector_gives_way_to_who_wants_the_blob(
    blobs: BucketBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A blob that is wanted after the collector looked at its age is not removed."""
    blob = blobs.put_bytes(b"data")
    collector = BucketBlobs(blobs._place)
    put = collector._objects.put

    def interrupted(path: str, data: bytes = b"") -> None:
        put(path, data)
        if path == doomed(blob.digest):
            blobs._ages.want(blob.digest)
            # The first look was before, and the service's clock counts in seconds.
            monkeypatch.setattr(collector._ages, "_young", young)

    young = collector._ages._young
    monkeypatch.setattr(collector._ages, "_young", lambda *_: False)
    monkeypatch.setattr(collector._objects, "put", interrupted)
    assert not collector.delete(blob.digest, idle=3600)
    assert blobs.read(blob.digest) == b"data"
    assert collector._objects.meta(doomed(blob.digest)) is None


@pytest.mark.usefixtures("service")
def test_a_bucket_that_is_not_there_is_named() -> None:
    """A mistyped bucket is an error that says so, for writing as for reading."""
    blobs = open_blobs("s3://taem/prefix")
    works: list[Callable[[], object]] = [
        lambda: blobs.put_bytes(b"x"),
        lambda: blobs.read(digest(1)),
        lambda: list(blobs),
    ]
    for work in works:
        with pytest.raises(StoreUnavailable, match="s3://taem/prefix failed: there is no such"):
            work()


def test_strangers_in_the_bucket_are_not_blobs(blobs: BucketBlobs) -> None:
    """Objects that others put among ours are neither listed nor collected."""
    blob = blobs.put_bytes(b"data")
    for name in ("objects/README", f"objects/ab/{'c' * 64}", f"objects/ab/ab{'G' * 62}"):
        blobs._objects.put(name, b"not ours")
    assert list(blobs) == [blob]
    assert list(blobs.stale(-2)) == [blob]


def test_nobody_at_the_address_is_said_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that is not running is an error that names the bucket, its key nowhere in it."""
    use(environment(f"http://127.0.0.1:{free_port()}"), monkeypatch)
    with pytest.raises(
        StoreUnavailable, match="s3://team/x failed: it cannot be reached"
    ) as caught:
        BucketBlobs("s3://team/x", timeout=1).put_bytes(b"x")
    assert KEY_ID not in str(caught.value)
    assert SECRET not in str(caught.value)


def test_a_service_that_never_answers_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A service that takes the question and says nothing is an error with a way out."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        use(environment(f"http://127.0.0.1:{silent.getsockname()[1]}"), monkeypatch)
        monkeypatch.setenv("MLOPS_BUCKET_TIMEOUT", "0.2")
        with pytest.raises(StoreUnavailable, match=r"did not answer within 0\.2 s") as caught:
            open_blobs("s3://team/x").read(digest(1))
    assert "MLOPS_BUCKET_TIMEOUT" in caught.value.hint


def test_wrong_keys_are_refused_without_being_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """Credentials that the service refuses are said to be so, and are not repeated."""
    with rclone() as service:
        use(
            {**service.environment, "AWS_SECRET_ACCESS_KEY": "wrong-wrong-wrong-wrong"}, monkeypatch
        )
        with pytest.raises(StoreUnavailable, match="it refuses these credentials") as caught:
            open_blobs("s3://team/x").put_bytes(b"x")
    assert "AWS_PROFILE" in caught.value.hint
    assert "wrong-wrong" not in str(caught.value)


def test_keys_come_from_a_profile(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without keys in the environment, those of the profile in ~/.aws are used."""
    with rclone() as service:
        use({"AWS_ENDPOINT_URL": service.endpoint, "AWS_PROFILE": "work"}, monkeypatch)
        keys = f"aws_access_key_id = {KEY_ID}\naws_secret_access_key = {SECRET}\n"
        (tmp_path / "credentials").write_text(f"[default]\naws_access_key_id = no\n[work]\n{keys}")
        (tmp_path / "config").write_text("[profile work]\nregion = eu-central-1\n")
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
        monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
        blobs = open_blobs("s3://team/profile")
        assert blobs.read(blobs.put_bytes(b"data").digest) == b"data"


@pytest.mark.parametrize("seconds", ["soon", "0", "-1", "nan", "1e9"])
def test_a_limit_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, seconds: str) -> None:
    """A misspelt limit of time is an error, not a default."""
    monkeypatch.setenv("MLOPS_BUCKET_TIMEOUT", seconds)
    with pytest.raises(InputError, match="no number of seconds"):
        open_blobs("s3://team/x")


def test_an_address_without_a_bucket_is_refused() -> None:
    """An address that names no bucket is refused at once."""
    with pytest.raises(InputError, match="cannot be used"):
        open_blobs("s3://")
