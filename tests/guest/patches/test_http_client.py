from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.webserver import BODY, certificate, index, play, play_twice, serving

URLLIB = """
import urllib.error, urllib.request
import pandas
def ask(path, **options):
    try:
        with urllib.request.urlopen(urllib.request.Request(url + path, **options), timeout=5) as r:
            print(r.status, r.reason, r.version, sorted(r.headers.items()), r.read())
    except urllib.error.HTTPError as error:
        print(error.code, error.headers["Retry-After"], error.read())
        error.close()
    except Exception as error:
        print(type(error), str(error))
for path in "csv json chunked unsized gzip moved count count empty nope broken dies mute".split():
    ask("/" + path)
ask("/csv", method="HEAD")
ask("/range", headers={"Range": "bytes=5-9"})
ask("/range", headers={"Range": "bytes=6-9"})
ask("/echo", data=b"one")
ask("/echo", data=(piece for piece in (b"one", b"two")), headers={"Content-Length": "6"})
print(pandas.read_csv(url + "/csv"))
"""

REQUESTS = """
import io, warnings
import requests
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry
s = requests.Session()
def ask(method, path, **options):
    try:
        r = s.request(method, url + path if path.startswith("/") else path, **options)
        print(r.status_code, r.reason, sorted(r.headers.items()), len(r.history), r.content)
    except requests.RequestException as error:
        print(type(error), type(getattr(error.args[0], "reason", error.args[0])))
for path in "csv json chunked unsized gzip moved count count empty nope dies mute".split():
    ask("GET", "/" + path)
ask("HEAD", "/csv")
ask("GET", "/range", headers={"Range": "bytes=5-900"})
ask("POST", "/echo", data=b"bytes")
ask("POST", "/echo", json={"a": 1})
ask("POST", "/echo", data=io.BytesIO(b"file" * 9000))
ask("POST", "/echo", data=(piece for piece in [b"one", b"two"]))
ask("POST", "/quiet", files={"f": ("n.txt", b"content")})
ask("GET", "/hangs", timeout=0.2)
ask("GET", "http://127.0.0.1:9/refused")
ask("GET", "https://127.0.0.1:9/refused")
ask("GET", "http://no.such.host.invalid/")
ask("GET", "http://data.example.invalid/csv", proxies={"http": url})
with s.get(url + "/endless", stream=True) as r:
    print(len(next(r.iter_content(1000))))
with s.get(url + "/csv", stream=True) as r:
    print(list(r.iter_lines()))
with s.get(url + "/chunked", stream=True) as r:
    print([len(piece) for piece in r.iter_content(None)])
again = Retry(total=5, status_forcelist=[503], backoff_factor=0)
s.mount("http://", HTTPAdapter(max_retries=again))
ask("GET", "/flaky")
s.close()
"""

TLS = """
import os, ssl, urllib.request, warnings
import requests
print(requests.get(url + "/csv", verify=os.environ["CERTIFICATE"]).text)
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    print(requests.get(url + "/csv", verify=False).text, [each.category for each in caught])
try:
    requests.get(url + "/csv")
except requests.exceptions.SSLError as error:
    print(error)
context = ssl.create_default_context(cafile=os.environ["CERTIFICATE"])
with urllib.request.urlopen(url + "/csv", context=context) as r:
    print(r.read())
"""

THREADS = """
import concurrent.futures, requests
def ask(i):
    shared = requests.get(url + "/csv", params={"i": i % 5})
    return shared.text, requests.get(f"{url}/count/{i}").text
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    print(list(pool.map(ask, range(40))))
"""

SECRETS = """
import requests
host = url.split("//")[1]
s = requests.Session()
s.headers.update({"Authorization": "Bearer PLANTED-1", "X-Api-Key": "PLANTED-2"})
s.cookies.set("session", "PLANTED-3")
s.get(url + "/csv?api_key=PLANTED-4&q=kept&X-Amz-Signature=PLANTED-5#PLANTED-6")
requests.get(f"http://ada:PLANTED-7@{host}/csv")
s.post(url + "/quiet", data={"user": "ada", "password": "PLANTED-8"})
s.post(url + "/quiet", json={"deep": [{"client_secret": "PLANTED-9"}]})
s.get(url + "/moved")
print(s.post(url + "/grant").json()["token_type"])
"""

UNRECORDED = """
import requests, urllib.request
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry
class Patient(Retry):
    def sleep(self, response=None):
        raise SystemExit("it would wait")
s = requests.Session()
s.mount("http://", HTTPAdapter(max_retries=Patient(total=9, backoff_factor=60)))
for ask in (s.get, requests.get, urllib.request.urlopen):
    try:
        ask(url + "/other?token=PLANTED&q=1")
    except OSError as error:
        kind = requests.ConnectionError if ask is not urllib.request.urlopen else ConnectionError
        assert isinstance(error, kind), type(error)
        print(error)
"""

S3 = """
import io, boto3, botocore.exceptions
s3 = boto3.client("s3", endpoint_url=url, aws_access_key_id="PLANTED-1", region_name="us-east-1",
                  aws_secret_access_key="PLANTED-2", aws_session_token="PLANTED-3")
s3.create_bucket(Bucket="data")
s3.put_object(Bucket="data", Key="a.csv", Body=b"x,y")
s3.upload_fileobj(io.BytesIO(b"z" * 9_000_000), "data", "big")
print(s3.get_object(Bucket="data", Key="a.csv")["Body"].read())
print([each["Key"] for each in s3.list_objects_v2(Bucket="data")["Contents"]])
print(s3.get_object(Bucket="data", Key="big", Range="bytes=0-9")["Body"].read())
target = io.BytesIO()
s3.download_fileobj("data", "big", target)
print(len(target.getvalue()))
try:
    s3.get_object(Bucket="data", Key="none")
except botocore.exceptions.ClientError as error:
    print(error)
"""

BUCKETS = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(port=0, ip_address="127.0.0.1", verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""

OPEN = """
import requests, urllib.request
from py_mlops.guest.patches.tape import opened
with requests.Session() as s:
    s.trust_env, s.verify = False, CERTIFICATE
    for _ in range(2):
        print(s.get(url + "/count", timeout=5).text)
        print(s.get(url + "/count?new", timeout=5).text)
    print(s.post(url + "/echo", data=b"bytes", headers={"Expect": "100-continue"}).content)
    print(s.post(url + "/echo", data=iter([b"pie", b"ces"])).content)
    print(s.get(url + "/chunked").content[-3:])
    print(s.get(url + "/count").text)
if not CERTIFICATE:
    with urllib.request.urlopen(url + "/csv", timeout=5) as r: print(r.read(4))
print(len(opened().unrecorded))
"""


def test_urllib_and_pandas_read_the_same_with_the_server_gone(tmp_path: Path) -> None:
    """Every form of answer, also errors, redirects and connections that break."""
    printed = play_twice(URLLIB, tmp_path)
    assert "IncompleteRead" in printed
    assert "RemoteDisconnected" in printed
    assert "134591" in printed
    assert not [line for line in index(tmp_path) if line["problem"]]


def test_requests_gets_the_same_with_the_server_gone(tmp_path: Path) -> None:
    """Bodies, headers, retries, streams, proxies, time-outs and refusals, by their classes."""
    printed = play_twice(REQUESTS, tmp_path)
    for expected in ("ReadTimeout", "NewConnectionError", "NameResolutionError", "ChunkedEncoding"):
        assert expected in printed
    assert not [line for line in index(tmp_path) if line["problem"]]


def test_an_encrypted_answer_needs_no_certificate_to_be_replayed(tmp_path: Path) -> None:
    """Certificates were checked when it was recorded; their failure is recorded too."""
    tls = certificate(tmp_path)
    printed = play_twice(TLS, tmp_path / "tape", tls, CERTIFICATE=str(tls))
    assert "CERTIFICATE_VERIFY_FAILED" in printed
    assert "InsecureRequestWarning" in printed


def test_threads_get_each_their_own_answer(tmp_path: Path) -> None:
    """Also where they ask side by side and share addresses."""
    assert play_twice(THREADS, tmp_path).count("Bern") == 40


def test_no_credential_reaches_the_tape(tmp_path: Path) -> None:
    """Neither of headers, cookies, parameters, user names and forms, nor one that is issued."""
    play_twice(SECRETS, tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Bern" in kept, "or nothing would be proven"
    assert b"q=kept" in kept
    assert b"PLANTED" not in kept


def test_an_unrecorded_request_is_named_at_once(tmp_path: Path) -> None:
    """It is an ordinary connection error, says which request, and no retry waits for it."""
    with serving() as url:
        play("import requests; requests.get(url + '/csv')", "record", tmp_path, url)
    printed = play(UNRECORDED, "rerun", tmp_path, url)
    assert printed.count(f"GET {url}/other?token=***&q=1") == 3


@pytest.mark.parametrize("encrypted", [False, True])
def test_with_an_open_tape_only_new_requests_reach_the_server(
    tmp_path: Path, encrypted: bool
) -> None:
    """What was recorded is played back, also over a connection that just reached the server."""
    tls = certificate(tmp_path) if encrypted else None
    trusted = f"CERTIFICATE = {str(tls) if tls else None!r}\n"
    tape = tmp_path / "tape"
    with serving(tls) as url:
        ask = "import requests; print(requests.get(url + '/count', verify=CERTIFICATE).text)"
        assert [play(trusted + ask, "record", tape, url) for _ in range(2)][-1] == "2\n"
        printed = play(trusted + OPEN, "rerun", tape, url, MLOPS_TAPE_OPEN="1")
    server = ["b'bytes'", "b'pieces'", repr(BODY[:70_000][-3:])]
    plain = ["3"] if encrypted else ["b'city'", "4"]
    assert printed.splitlines() == ["2", "1", "2", "2", *server, "2", *plain]


def test_a_body_without_end_is_read_on_and_given_up_by_the_tape(tmp_path: Path) -> None:
    """The user's read is untouched, memory and disk stay bounded, and the index says why."""
    program = """
import requests
size = 0
with requests.get(url + "/endless", stream=True) as r:
    for piece in r.iter_content(1 << 20):
        size += len(piece)
        if size > 100 << 20:
            break
with open("/proc/self/status") as status:
    peak = [line for line in status if line.startswith("VmHWM")][0]
print(int(peak.split()[1]) < 400_000)  # in KiB; resource would tell of who started us, too
"""
    with serving() as url:
        assert play(program, "record", tmp_path, url, MLOPS_TAPE_LIMIT="3000000") == "True\n"
    (line,) = index(tmp_path)
    assert "larger than 3,000,000 bytes" in str(line["problem"])
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 10_000


def test_a_server_of_the_notebooks_own_is_no_outside(tmp_path: Path) -> None:
    """What the program serves itself is asked again in a rerun, not replayed."""
    program = """
import http.server, threading, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers(); self.wfile.write(b"own")
    def log_message(self, *_): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
with urllib.request.urlopen(f"http://localhost:{server.server_address[1]}/x") as r: print(r.read())
server.shutdown(); server.server_close()
"""
    play(program, "record", tmp_path, "")
    assert not (tmp_path / "index.jsonl").exists()


def test_boto3_reads_and_writes_with_the_bucket_gone(tmp_path: Path) -> None:
    """Signed requests, uploads in parts, ranges and errors of an S3 service."""
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    with subprocess.Popen(
        [sys.executable, "-c", BUCKETS], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL, env=environment,
    ) as server:  # fmt: skip
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}"
        recorded = play(S3, "record", tmp_path, url)
        server.kill()
    assert play(S3, "rerun", tmp_path, url) == recorded
    assert "NoSuchKey" in recorded
    assert b"PLANTED" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_a_driver_that_speaks_http_is_recorded_once(tmp_path: Path) -> None:
    """What a database's driver asks is recorded as rows; the program's own on its connection is."""
    program = """
import http.client
from py_mlops.guest.patches.layers import inside
connection = http.client.HTTPConnection(url.partition("//")[2])
def ask(path):
    connection.request("GET", path)
    return connection.getresponse().read()
with inside():  # as a driver's patch does
    print(len(ask("/csv")))
print(ask("/json"))
"""
    with serving() as url:
        play(program, "record", tmp_path, url)
    assert [str(line["request"]).rpartition("/")[2] for line in index(tmp_path)] == ["json"]
