"""The page's parts without a browser: markdown, cached files, forms, and the routes."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
import io
import json
import re
import threading
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI, UploadFile

from spacebot.errors import LimitReached
from spacebot.models import BotPhase, BotStatus, ClusterStatus, ProcessStatus, Source
from spacebot.runtime import BOT_HANGS, Runtime
from spacebot.settings import Settings
from spacebot.web import OwnerAccess, render, server
from spacebot.web.markdown import to_html
from spacebot.web.overview import StatusOverview
from spacebot.web.tryout import forms
from spacebot.web.tryout.file_cache import FileCache
from spacebot.web.tryout.visitors import (
    MAX_SIZE,
    MAX_TURNS,
    MAX_VISITOR_SIZE,
    SESSION_SECONDS,
    ShownTurn,
    TryOutRequest,
    TryOutTurn,
    Visitors,
)
from tests.support.browser.scripted_program import CONNECTED, OFF, ScriptedHouse, status

OWN = {"Origin": "http://page"}
SESSION = {"X-Spacebot-Session": "0" * 32}
# Jobs and logs name the session by its digest.
VISITOR = hashlib.sha256(b"0" * 32).hexdigest()[:32]


@pytest.fixture
def house(tmp_path: Path) -> ScriptedHouse:
    return ScriptedHouse(tmp_path)


@pytest.fixture
async def client(house: ScriptedHouse):
    file_cache = FileCache()
    app = FastAPI(**server.app_options(house, file_cache, OwnerAccess(hosts=frozenset({"page"}))))
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://page", headers=OWN
    ) as connected:
        yield connected
    file_cache.close()


def last(answer: httpx.Response) -> str:
    """The HTML of a stream's last event."""
    events = [json.loads(event[6:]) for event in answer.text.split("\n\n") if event]
    assert [event["last"] for event in events] == [False] * (len(events) - 1) + [True]
    return events[-1]["html"]


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**a** *b* _c_", "<strong>a</strong> <em>b</em> <em>c</em>"),
        ("__a__ ~~b~~", "<u>a</u> <s>b</s>"),
        ("`<b>`", "<code>&lt;b&gt;</code>"),
        ("one\ntwo", "one<br>\ntwo"),
        ("<script>x</script>", "&lt;script&gt;x&lt;/script&gt;"),
        ("[a](javascript:x)", "[a](javascript:x)"),
        ("&amp; \\*x\\*", "&amp;amp; *x*"),
        ("a || b", "a || b"),
        ("<@!12> </demo paint:3>", "@user"),
        ("<t:0:R>", 'data-ago="0">01 January 1970 00:00 UTC'),
        ("<t:999999999999>", "Invalid date"),
        ("> a\nb", "</blockquote>\n<p>b</p>"),
        (">>> a\nb", "<p>a<br>\nb</p>\n</blockquote>"),
        ("-# *a*", "<small><em>a</em></small>"),
        ("- a\n  - b", "<ul>\n<li>b</li>\n</ul>"),
        ("    a", "<p>a</p>"),
        ("```py\n<b>\n```", "<code>&lt;b&gt;\n</code>"),
        ("a https://x.y/z.", 'href="https://x.y/z"'),
        ("<https://x.y>", ">https://x.y</a>"),
        ("![a](https://x.y)", "!<a href"),
        ("||a **b**||", "a <strong>b</strong></span>"),
        ("a\n===", "a<br>\n==="),
    ],
)
def test_markdown_is_discords(text: str, html: str) -> None:
    assert html in to_html(text)


def test_the_file_cache_drops_the_oldest_first(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(b"12345")
    file_cache = FileCache(room=12)
    first, second, third = (file_cache.keep(source, name) for name in ("a.png", "b.wav", "c.html"))
    assert file_cache.find(first.key) is None
    assert not first.path.exists()
    assert file_cache.find(second.key) == second
    assert [second.kind, third.kind] == ["sound", "file"]
    file_cache.close()
    assert file_cache.find(second.key) is None
    assert not second.path.exists()


def test_the_file_cache_drops_files_after_a_while(tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.touch()
    file_cache = FileCache(seconds=0)
    assert file_cache.find(file_cache.keep(source, "a.png").key) is None
    file_cache.close()


@pytest.mark.parametrize(
    ("bot", "code", "said"),
    [
        (OFF, 200, {"status": "ok"}),
        (CONNECTED, 200, {"status": "ok"}),
        (
            BotStatus(BotPhase.FAILED, "Discord refused the token."),
            503,
            {"status": "failed", "reason": "Discord refused the token."},
        ),
        (
            BotStatus(BotPhase.CONNECTING),
            503,
            {
                "status": "connecting",
                "reason": "The first connection to Discord is under way.",
            },
        ),
    ],
)
async def test_healthz(client, house, bot, code, said) -> None:
    house.current = status(bot)
    answer = await client.get("/healthz")
    assert (answer.status_code, answer.json()) == (code, said)
    assert (await client.head("/healthz")).status_code == code


async def test_metrics_of_a_bot_that_hangs_are_refused_in_words(
    client, house, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hangs() -> bytes:
        raise LimitReached(BOT_HANGS)

    monkeypatch.setattr(house, "metrics", hangs)
    answer = await client.get("/metrics")
    assert (answer.status_code, answer.text) == (503, BOT_HANGS)


async def test_only_what_changed_is_sent(client, house) -> None:
    sections = (await client.get("/spacebot/status")).json()
    assert [name for name, *_ in sections][:2] == ["state", "alert"]
    known = ",".join(f"{name}:{digest}" for name, digest, _ in sections)
    assert (await client.get("/spacebot/status", params={"known": known})).status_code == 204
    house.current = dataclasses.replace(house.current, done=129)
    changed = (await client.get("/spacebot/status", params={"known": known})).json()
    assert [name for name, *_ in changed] == ["counts"]
    assert "129" in changed[0][2]


async def test_a_hidden_tryout_answers_nothing(client, house) -> None:
    house.tryout = False
    for path in ("commands", "form", "files/x"):
        answer = await client.get(f"/spacebot/tryout/{path}")
        assert answer.status_code == 404
    query = {"command": "demo compose"}
    answer = await client.post("/spacebot/tryout/run", params=query, headers=SESSION)
    assert answer.status_code == 404
    assert house.jobs == []
    assert "Try it" not in render.shell(tryout=False, any_space=True)


async def test_suggestions_know_what_is_filled_in_so_far(client, house, monkeypatch) -> None:
    (space,) = house.offered
    lively = [
        dataclasses.replace(
            one,
            parameters=tuple(
                dataclasses.replace(each, live=each.name == "voice") for each in one.parameters
            ),
        )
        for one in space.endpoints
    ]
    house.offered = (dataclasses.replace(space, endpoints=tuple(lively)),)
    query = {"command": "demo speak", "option": "voice"}
    form = {"prompt": "hi\0", "voice": "Voice 5" + "x" * 200, "foreign": "x"}
    answer = await client.post("/spacebot/tryout/suggest", params=query, data=form, headers=SESSION)
    assert answer.json() == []
    ((option, text, arguments, requester),) = house.suggested
    assert (option, text, arguments) == ("voice", form["voice"][:100], {"prompt": "hi"})
    assert (requester.user, requester.turns) == (f"tryout:{VISITOR}", "tryout")
    # If the bot does not answer, the known list is still there.
    monkeypatch.setattr(house, "suggest", refusing)
    form = {"voice": "Voice 59"}
    answer = await client.post("/spacebot/tryout/suggest", params=query, data=form, headers=SESSION)
    assert [one["value"] for one in answer.json()] == ["Voice 59"]
    for headers in ({}, {"X-Spacebot-Session": "me"}):
        answer = await client.post("/spacebot/tryout/suggest", params=query, headers=headers)
        assert answer.status_code in (400, 422)


async def refusing(*_: object) -> None:
    raise LimitReached("Spacebot is still starting.")


async def test_other_sites_cannot_use_the_tryout(client, house) -> None:
    headers = {**SESSION, "Sec-Fetch-Site": "cross-site"}
    query = {"command": "demo compose"}
    answer = await client.post("/spacebot/tryout/run", params=query, headers=headers)
    assert answer.status_code == 403
    answer = await client.post("/spacebot/tryout/run", params=query)
    assert answer.status_code == 400
    assert house.jobs == []


async def run(client: httpx.AsyncClient, command: str, **arguments: str) -> httpx.Response:
    fields = {name: (None, value) for name, value in arguments.items()}
    return await client.post(
        "/spacebot/tryout/run",
        params={"command": command},
        headers=SESSION,
        files=fields or {"": (None, "")},
    )


async def test_values_get_their_types(client, house) -> None:
    await run(client, "demo compose", prompt="a\r\nb", seed="3", loud="true", unknown="x")
    assert dict(house.jobs[-1].arguments) == {"prompt": "a\nb", "seed": 3, "loud": True}


async def test_what_visitors_have_on_the_page_is_bounded_and_goes_after_an_hour() -> None:
    now = 0.0
    visitors = Visitors(timer=lambda: now)

    def ended(html: str) -> TryOutTurn:
        return TryOutTurn(TryOutRequest("demo write"), ShownTurn(html, last=True))

    running = TryOutTurn(TryOutRequest("demo wait"), ShownTurn(""))
    visitors.add("ada", running)
    for number in range(MAX_TURNS + 10):
        visitors.add("ada", ended(str(number)))
    assert len(visitors.turns("ada")) == MAX_TURNS
    assert visitors.turns("ada")[0] is running
    visitors.add("ada", ended("x" * MAX_VISITOR_SIZE))
    assert len(visitors.turns("ada")) == 2
    # Others crowd out only the visitor who used the page longest ago.
    others = [f"other {number}" for number in range(MAX_SIZE // MAX_VISITOR_SIZE)]
    for other in others:
        visitors.add(other, ended("x" * MAX_VISITOR_SIZE))
    assert not visitors.turns("ada")
    newest = others[-1]
    (last,) = visitors.turns(newest)
    now = SESSION_SECONDS - 1.0
    assert visitors.find(newest, last.id) is last
    now += SESSION_SECONDS - 1.0
    assert visitors.turns(newest)
    now += SESSION_SECONDS + 1.0
    assert not visitors.turns(newest)


async def test_all_visitors_together_have_one_share(client, house) -> None:
    for number in range(3):
        headers = {"X-Spacebot-Session": f"{number:032x}"}
        await client.post(
            "/spacebot/tryout/run",
            params={"command": "demo write"},
            headers=headers,
            files={"prompt": (None, "x")},
        )
    assert len({job.requester.user for job in house.jobs}) == 3
    assert {job.requester.turns for job in house.jobs} == {"tryout"}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..", "file"),
        ("...", "file"),
        ("a\x00b.png", "ab.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\pictures\\sea.png", "sea.png"),
        ("🎉" * 100 + ".png", "🎉" * 36 + ".png"),
        ("x." + "y" * 300, "x." + "y" * 29),
        ("half\ud800.png", "half?.png"),
        ("\u202egnp.exe", "gnp.exe"),
        (".hidden", "hidden"),
        ("", "file"),
    ],
    ids=ascii,
)
def test_a_file_has_a_name_that_every_disk_takes(name: str, kept: str, tmp_path: Path) -> None:
    upload = UploadFile(io.BytesIO(b"data"), filename=name or "/")
    (file,) = forms.save_attachments([upload], tmp_path)
    assert (file.name, file.size) == (kept, 4)
    assert file.path is not None
    assert file.path.read_bytes() == b"data"


async def test_what_is_no_number_is_told(client, house) -> None:
    answer = await run(client, "demo compose", prompt="a", seed="many")
    assert "seed: a whole number is needed." in last(answer)
    assert house.jobs == []


async def test_too_large_a_request_is_refused_before_it_is_read(client, house) -> None:
    answer = await client.post(
        "/spacebot/tryout/run",
        params={"command": "demo compose"},
        headers={**SESSION, "Content-Length": str(2**30)},
    )
    assert answer.status_code == 413
    assert "That is more than 25 MiB in total" in answer.json()["detail"]


async def test_an_unknown_command_and_file_are_told(client) -> None:
    answer = await run(client, "demo gone")
    assert answer.status_code == 404
    assert "no longer offered" in answer.json()["detail"]
    assert (await client.get("/spacebot/tryout/files/..%2Fx")).status_code == 404


async def test_a_bug_is_logged_without_the_values(client, house, caplog) -> None:
    house.folder = house.folder / "missing"
    answer = await run(client, "demo compose", prompt="a secret wish")
    assert "Something went wrong in the bot" in last(answer)
    assert "a secret wish" not in caplog.text


def test_what_was_last_known_stands_beside_a_bot_that_ended(tmp_path: Path) -> None:
    runtime = Runtime(Settings.from_environ({"DATA_DIR": str(tmp_path)}), [Source("demo/space")])
    runtime._seen = (0.0, status(CONNECTED))
    runtime._bot_status = BotStatus(BotPhase.FAILED, "A mistake.")
    runtime._up.set()
    shown = runtime.status()
    assert (shown.bot.reason, shown.done) == ("A mistake.", 128)
    assert [space.source for space in shown.spaces] == ["demo/space"]


def test_every_process_that_shares_the_shards_is_shown() -> None:
    one = ProcessStatus(4, "host-a", "1.0.0", 1.0, 2.0, shards=(0, 2), servers=12, running=3)
    two = ProcessStatus(5, "<b>host", "1.1.0", 1.0, 2.0, servers=1, waiting=1, stopping=True)

    def shown(*processes: ProcessStatus) -> str:
        cluster = ClusterStatus(4, processes, shard_count=3)
        seen = dataclasses.replace(status(CONNECTED), cluster=cluster)
        parts = render.sections(seen, token=True, hosted=False)
        return next(part.html for part in parts if part.name == "processes")

    first, second = re.findall(r"<li>(.*?)</li>", shown(one, two), re.DOTALL)
    for text in ("host-a", "<b>this one</b>", "shards 0, 2 · 12 servers", "3 running, 0 waiting"):
        assert text in first
    for text in ("&lt;b&gt;host", "stopping", "no shard, stands by · 1 server ·", "version 1.1.0"):
        assert text in second
    assert "2 processes share 3 shards" in shown(one, two)
    # A single process shares with nobody.
    assert not shown(one).strip()


async def test_sections_are_rendered_in_a_thread_and_once_for_everybody(
    house: ScriptedHouse, monkeypatch: pytest.MonkeyPatch
) -> None:
    threads: list[int] = []
    real = render.sections

    def sections(*args: Any, **options: Any) -> tuple[render.PageSection, ...]:
        threads.append(threading.get_ident())
        return real(*args, **options)

    monkeypatch.setattr(render, "sections", sections)
    overview = StatusOverview(house)
    first, *others = await asyncio.gather(*(overview.changed("") for _ in range(5)))
    assert others == [first] * 4
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    # Changed sections are rendered again.
    house.current = dataclasses.replace(house.current, done=house.current.done + 1)
    assert await overview.changed("") != first
    assert len(threads) == 2
