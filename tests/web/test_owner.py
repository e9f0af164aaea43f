"""The owner's view: who gets in, what strangers can neither see nor call."""

from __future__ import annotations

import base64
import dataclasses
import json
import time
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import itsdangerous
import pytest
from fastapi import FastAPI
from starlette.middleware.sessions import SessionMiddleware

from spacebot.web import OwnerAccess, access, server
from spacebot.web import throttle as throttles
from spacebot.web.tryout.file_cache import FileCache
from tests.support.browser.scripted_program import CONNECTED, JOB, LOG, TEXT, ScriptedHouse, status

PASSWORD = "correct horse battery"
OWN = {"Sec-Fetch-Site": "same-origin", "Origin": "https://page"}
SECRET = "of the test's own"
ROUTES = [
    ("POST", "act", {"action": "cancel", "target": JOB.id}),
    ("POST", "act", {"action": "pause", "target": "/demo compose"}),
    ("GET", "log", None),
]


@pytest.fixture
def house(tmp_path: Path) -> ScriptedHouse:
    return ScriptedHouse(tmp_path, current=status(CONNECTED))


async def serve(house: ScriptedHouse, who: OwnerAccess) -> AsyncGenerator[httpx.AsyncClient]:
    file_cache = FileCache()
    who = dataclasses.replace(who, hosts=frozenset({"page"}))
    app = FastAPI(**server.app_options(house, file_cache, who))
    # As Gradio adds it with its routes for signing in.
    app.add_middleware(SessionMiddleware, secret_key=SECRET)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="https://page") as client:
        try:
            yield client
        finally:
            file_cache.close()


@pytest.fixture
async def client(house: ScriptedHouse):
    async for connected in serve(house, OwnerAccess(PASSWORD)):
        yield connected


@pytest.fixture
async def hosted(house: ScriptedHouse):
    who = OwnerAccess(huggingface=True, owners=frozenset({"ada"}), creator="64d2", hosted=True)
    async for connected in serve(house, who):
        yield connected


async def sign_in(client: httpx.AsyncClient, password: str = PASSWORD, **headers: str):
    """Send the password as the page does."""
    data = {"password": password}
    return await client.post("/spacebot/owner/sign-in", data=data, headers=OWN | headers)


async def call(client: httpx.AsyncClient, method: str, path: str, data: dict | None, **more):
    headers = OWN | more
    return await client.request(method, f"/spacebot/owner/{path}", data=data, headers=headers)


def signed(**user: object) -> dict[str, str]:
    """The session cookie that Gradio leaves after signing in with Hugging Face."""
    expires = user.pop("expires_at", time.time() + 600)
    session = {"oauth_info": {"userinfo": user, "expires_at": expires, "access_token": "x"}}
    data = base64.b64encode(json.dumps(session).encode())
    return {"session": itsdangerous.TimestampSigner(SECRET).sign(data).decode()}


@pytest.mark.parametrize(("method", "path", "data"), ROUTES)
async def test_a_stranger_can_call_nothing(client, house, method, path, data) -> None:
    answer = await call(client, method, path, data)
    assert (answer.status_code, answer.json()["detail"]) == (401, "Sign in as the owner first.")
    forged = {"Cookie": "spacebot_owner=forged"}
    assert (await call(client, method, path, data, **forged)).status_code == 401
    assert house.acted == []


async def test_a_stranger_sees_how_to_sign_in_and_nothing_else(client) -> None:
    shown = (await client.get("/spacebot/owner", headers=OWN)).json()
    assert shown["owner"] is False
    assert "Owner's password" in shown["html"]
    everything = shown["html"] + (await client.get("/spacebot/status")).text
    for hidden in (TEXT, JOB.id, "Download the log", "Read again"):
        assert hidden not in everything


async def test_the_owner_sees_and_acts(client, house) -> None:
    answer = await sign_in(client)
    assert answer.status_code == 204
    cookie = answer.headers["set-cookie"]
    assert all(part in cookie for part in ("HttpOnly", "Secure", "SameSite=strict"))
    assert PASSWORD not in cookie
    shown = (await client.get("/spacebot/owner", headers=OWN)).json()
    assert shown["owner"] is True
    assert all(part in shown["html"] for part in (TEXT, JOB.id, "Read again", "Pause"))
    for method, path, data in ROUTES:
        assert (await call(client, method, path, data)).status_code == 200
    assert house.acted == [("cancel", JOB.id), ("pause", "/demo compose")]
    known = await client.get("/spacebot/owner", params={"known": "x"}, headers=OWN)
    again = {"known": known.json()["digest"]}
    assert (await client.get("/spacebot/owner", params=again, headers=OWN)).status_code == 204
    log = await call(client, "GET", "log", None)
    assert (log.text, log.headers["cache-control"]) == (LOG, "no-store")
    assert "attachment" in log.headers["content-disposition"]
    await call(client, "POST", "sign-out", {})
    assert (await call(client, "GET", "log", None)).status_code == 401


async def test_in_a_frame_of_hugging_face_cookies_are_partitioned(hosted, house) -> None:
    house.hosted = True
    for path in ("turns", "commands"):
        answer = await hosted.get(
            f"/spacebot/tryout/{path}", headers={"X-Spacebot-Session": "0" * 32}
        )
        cookie = answer.headers["set-cookie"]
        parts = ("HttpOnly", "Max-Age=3600", "Secure", "SameSite=none", "Partitioned")
        assert [part for part in parts if part not in cookie] == []


async def test_a_session_ends_with_signing_out_wherever_its_cookie_is(client) -> None:
    await sign_in(client)
    kept = dict(client.cookies)
    await call(client, "POST", "sign-out", {})
    client.cookies.update(kept)
    assert (await call(client, "GET", "log", None)).status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "https://evil.example", "X-Forwarded-Host": "evil.example"},
        {"Origin": "null"},
        {},
    ],
    ids=str,
)
async def test_another_sites_page_can_do_nothing_with_the_owners_cookie(
    client, house, headers
) -> None:
    await sign_in(client)
    for method, path, data in ROUTES:
        if method == "GET" and not headers:
            continue
        answer = await client.request(method, f"/spacebot/owner/{path}", data=data, headers=headers)
        assert answer.status_code == 403
    assert house.acted == []


async def test_a_page_behind_a_proxy_is_its_own(client) -> None:
    outer = {"Origin": "https://bot.example", "Sec-Fetch-Site": "same-origin"}
    assert (await sign_in(client, **outer)).status_code == 204


async def test_a_page_without_https_is_known_by_its_origin(client) -> None:
    for origin, expected in (("http://page", 204), ("http://other", 403)):
        data = {"password": PASSWORD}
        headers = {"Origin": origin}
        answer = await client.post("/spacebot/owner/sign-in", data=data, headers=headers)
        assert answer.status_code == expected


async def test_wrong_passwords_are_told_logged_and_slowed(house, caplog, monkeypatch) -> None:
    now = 0.0
    monkeypatch.setattr(
        access, "PasswordThrottle", lambda _: throttles.PasswordThrottle(lambda: now)
    )
    served = serve(house, OwnerAccess(PASSWORD))
    client = await anext(served)
    for _ in range(4):
        answer = await sign_in(client, "wrong")
        assert (answer.status_code, "not the password" in answer.text) == (403, True)
    pauses = []
    for _ in range(8):
        assert (await sign_in(client, "wrong")).status_code == 403
        # Now even the right one waits: a guess must not be told from a refusal.
        answer = await sign_in(client)
        assert (answer.status_code, "Try again in" in answer.text) == (429, True)
        pauses.append(int(answer.headers["retry-after"]))
        now += pauses[-1]
    assert pauses == [2, 4, 8, 16, 32, 60, 60, 60]
    assert "wrong owner password" in caplog.text
    assert PASSWORD not in caplog.text
    assert "127.0.0.1" in caplog.text
    assert (await sign_in(client)).status_code == 204
    await served.aclose()


async def test_strangers_at_the_owners_address_do_not_lock_the_owner_out(client) -> None:
    await sign_in(client)
    known = dict(client.cookies)
    client.cookies.clear()
    for _ in range(6):
        await sign_in(client, "wrong")
    assert (await sign_in(client)).status_code == 429
    client.cookies.update(known)
    assert (await sign_in(client)).status_code == 204


def test_under_attack_each_address_has_one_try_and_none_is_locked_out() -> None:
    throttle = throttles.PasswordThrottle()
    for number in range(throttles.ATTACK_THRESHOLD):
        throttle.wrong(f"10.0.0.{number}")
    assert throttle.pause("10.0.0.1") == 0
    throttle.wrong("10.0.1.1")
    throttle.wrong("10.0.1.1")
    assert throttle.pause("10.0.1.1") > 0
    assert throttle.pause("192.0.2.1") == 0


def test_an_ipv6_network_is_one_source() -> None:
    one, other, far = map(throttles.source_of, ("2001:db8::1", "2001:db8::ffff:2", "2001:db9::1"))
    assert one == other != far


async def test_without_a_password_nobody_gets_in(house) -> None:
    async for client in serve(house, OwnerAccess()):
        assert (await sign_in(client, "")).status_code == 403
        assert (await client.get("/spacebot/owner", headers=OWN)).json()["html"] == ""


@pytest.mark.parametrize(
    ("user", "lets_in"),
    [
        ({"sub": "64d2", "preferred_username": "maker"}, True),
        ({"sub": "1", "preferred_username": "Ada"}, True),
        ({"sub": "1", "preferred_username": "ben"}, False),
        ({"sub": "", "preferred_username": ""}, False),
        ({"sub": "64d2", "preferred_username": "maker", "expires_at": 1.0}, False),
    ],
    ids=str,
)
async def test_only_owners_get_in_with_hugging_face(hosted, house, user, lets_in) -> None:
    hosted.cookies.update(signed(**user))
    shown = (await hosted.get("/spacebot/owner", headers=OWN)).json()
    assert shown["owner"] is lets_in
    answer = await call(hosted, *ROUTES[0])
    assert answer.status_code == (200 if lets_in else 401)
    assert bool(house.acted) is lets_in


async def test_a_session_that_gradio_did_not_sign_is_none(hosted) -> None:
    cookie = signed(sub="64d2", preferred_username="maker")["session"]
    hosted.cookies.set("session", cookie[:-3] + "abc")
    assert (await call(hosted, *ROUTES[0])).status_code == 401


async def test_hugging_face_alone_does_not_let_in_elsewhere(client) -> None:
    client.cookies.update(signed(sub="", preferred_username="ada"))
    assert (await call(client, *ROUTES[0])).status_code == 401


async def test_signing_out_ends_the_session_of_hugging_face(hosted) -> None:
    hosted.cookies.update(signed(sub="64d2", preferred_username="maker"))
    answer = await call(hosted, "POST", "sign-out", {})
    ended = [one for one in answer.headers.get_list("set-cookie") if one.startswith("session=")]
    assert "session=null" in ended[0]


async def test_an_action_that_cannot_be_done_is_told(client) -> None:
    await sign_in(client)
    answer = await call(client, "POST", "act", {"action": "explode", "target": "x"})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "✏️ There is no action called explode.",
    )
