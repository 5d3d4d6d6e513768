from __future__ import annotations

from pathlib import Path

from tests.webserver import index, play, play_twice, serving

SYNC = """
import httpx
def ask(method, path, **options):
    try:
        r = c.request(method, path if "://" in path else url + path, **options)
        print(r.status_code, r.reason_phrase, r.http_version, len(r.history))
        print(r.headers.raw, r.content)
    except httpx.HTTPError as error:
        print(type(error), str(error), error.request.url)
with httpx.Client(follow_redirects=True) as c:
    for path in "csv json chunked unsized gzip moved count count empty nope dies mute".split():
        ask("GET", "/" + path)
    ask("HEAD", "/csv")
    ask("GET", "/range", headers={"Range": "bytes=5-900"})
    ask("POST", "/echo", content=b"bytes")
    ask("POST", "/echo", json={"a": 1})
    ask("POST", "/echo", content=(piece for piece in [b"one", b"two"]))
    ask("POST", "/quiet", files={"f": ("n.txt", b"content")})
    ask("GET", "/hangs", timeout=0.2)
    ask("GET", "http://127.0.0.1:9/refused")
    ask("GET", "https://127.0.0.1:9/refused")
    ask("GET", "http://no.such.host.invalid/")
    with c.stream("GET", url + "/endless") as r:
        print(len(next(r.iter_bytes(1000))))
with httpx.Client(proxy=url) as c:
    ask("GET", "http://data.example.invalid/csv")
"""

ASYNC = """
import asyncio, httpx
async def ask(c, method, path, **options):
    try:
        r = await c.request(method, path if "://" in path else url + path, **options)
        print(r.status_code, r.reason_phrase, r.headers.raw, len(r.history), r.content)
    except httpx.HTTPError as error:
        print(type(error), str(error), error.request.url)
    except asyncio.TimeoutError as error:
        print(repr(error))
async def pieces():
    yield b"one"
    yield b"two"
async def main():
    async with httpx.AsyncClient(follow_redirects=True) as c:
        answers = await asyncio.gather(*[c.get(f"{url}/csv?i={i % 3}") for i in range(12)])
        print([(r.url.query, r.text) for r in answers])
        for path in "json chunked unsized gzip moved count count empty nope dies mute".split():
            await ask(c, "GET", "/" + path)
        await ask(c, "POST", "/echo", content=pieces())
        await ask(c, "GET", "/hangs", timeout=0.2)
        await asyncio.wait({asyncio.create_task(ask(c, "GET", "http://127.0.0.1:9/refused"))})
        try:
            await asyncio.wait_for(c.get(url + "/hangs"), 0.2)
        except asyncio.TimeoutError as error:
            print(repr(error))
        async with c.stream("GET", url + "/endless") as r:
            async for piece in r.aiter_bytes(1000):
                print(len(piece))
                break
asyncio.run(main())
"""

PLANTED = """
import httpx
host = url.split("//")[1]
with httpx.Client(headers={"Authorization": "Bearer PLANTED-1"}, cookies={"s": "PLANTED-2"}) as c:
    c.get(url + "/csv", params={"token": "PLANTED-3"})
    c.get(f"http://ada:PLANTED-4@{host}/csv")
    c.post(url + "/quiet", data={"password": "PLANTED-5"})
    c.post(url + "/quiet", json={"api_key": "PLANTED-6"})
    c.get(url + "/moved")
    print(c.post(url + "/grant").json()["token_type"])
"""

OPEN = """
import asyncio, httpx
from py_mlops.guest.patches.tape import opened
with httpx.Client() as c:
    for _ in range(2):
        print(c.get(url + "/count").text)
        print(c.get(url + "/count?new").text)
    print(c.post(url + "/echo", content=(piece for piece in [b"one", b"two"])).content)
async def pieces():
    yield b"one"
    yield b"two"
async def main():
    async with httpx.AsyncClient() as c:
        print((await c.get(url + "/count?async")).text)
        print((await c.get(url + "/count")).text)
        print((await c.post(url + "/echo", params={"again": 1}, content=pieces())).content)
asyncio.run(main())
print(len(opened().unrecorded))
"""


def test_a_client_gets_the_same_with_the_server_gone(tmp_path: Path) -> None:
    """Bodies, headers, redirects, streams, proxies, time-outs and refusals, by their classes."""
    printed = play_twice(SYNC, tmp_path)
    for expected in ("RemoteProtocolError", "ReadTimeout", "ConnectError", "no such thing"):
        assert expected in printed
    assert not [line for line in index(tmp_path) if line["problem"]]


def test_an_asynchronous_client_gets_the_same_with_the_server_gone(tmp_path: Path) -> None:
    """Also where many requests are under way at once, and where one is cancelled."""
    printed = play_twice(ASYNC, tmp_path)
    assert "Bern" in printed
    assert "TimeoutError()" in printed
    assert not [line for line in index(tmp_path) if line["problem"]]


def test_no_credential_reaches_the_tape(tmp_path: Path) -> None:
    """Neither of headers, cookies, parameters, user names and forms, nor one that is issued."""
    play_twice(PLANTED, tmp_path)
    kept = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"Bern" in kept, "or nothing would be proven"
    assert b"PLANTED" not in kept


def test_with_an_open_tape_only_new_requests_reach_the_server(tmp_path: Path) -> None:
    """What was recorded is played back; also bodies that can be read once are sent whole."""
    ask = "import httpx\nprint(httpx.get(url + '/count').text)"
    with serving() as url:
        assert [play(ask, "record", tmp_path, url) for _ in range(2)][-1] == "2\n"
        printed = play(OPEN, "rerun", tmp_path, url, MLOPS_TAPE_OPEN="1")
    assert printed.splitlines() == ["2", "1", "2", "2", "b'onetwo'", "1", "2", "b'onetwo'", "4"]


def test_an_unrecorded_request_is_named(tmp_path: Path) -> None:
    """As httpx's own connection error, also for the rest of a body that was partly read."""
    with serving() as url:
        play("""
import httpx
with httpx.stream("GET", url + "/endless") as r:
    next(r.iter_raw(1000))
""", "record", tmp_path, url)  # fmt: skip
    printed = play("""
import httpx
for path in ("/other?key=PLANTED&q=1", "/endless"):
    try:
        httpx.get(url + path)
    except httpx.ConnectError as error:
        print(error)
""", "rerun", tmp_path, url)  # fmt: skip
    assert f"GET {url}/other?key=***&q=1" in printed
    assert f"more is wanted now: GET {url}/endless" in printed
