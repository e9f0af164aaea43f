"""The page in a real browser: every state, the try-out, and what a stranger may see and do."""

from __future__ import annotations

import asyncio
import re
import threading
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.async_api import Page, Route, expect

from spacebot.models import BotPhase, BotStatus
from spacebot.web import PageServer, serve
from tests.support.browser.axe import serious
from tests.support.browser.chromium import EXECUTABLE, MISSING, PHONE, free_port, visit
from tests.support.browser.scripted_program import (
    CONNECTED,
    DEMO,
    HOSTILE,
    INVITE,
    OFF,
    ScriptedHouse,
    space_status,
    status,
)
from tests.support.patience import PATIENCE

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(EXECUTABLE is None, reason=MISSING),
]

FAILED = BotStatus(BotPhase.FAILED, "Discord refused the token. Reset it and restart.")
RETRYING = BotStatus(BotPhase.RETRYING, "Discord cannot be reached. Next try in 30 s.")
# How far the menu of Send to is from its button, above or below, and from the window's center.
GAP = """() => {
  const menu = document.querySelector(".targets").getBoundingClientRect();
  const button = document.querySelector(".targets").previousSibling.getBoundingClientRect();
  return Math.max(button.top - menu.bottom, menu.top - button.bottom);
}"""
OFF_CENTER = """() => {
  const { left, right, top, bottom } = document.querySelector(".targets").getBoundingClientRect();
  const { clientWidth, clientHeight } = document.documentElement;
  return Math.hypot(left + right - clientWidth, top + bottom - clientHeight);
}"""
# As in a browser that does not know CSS anchors.
WITHOUT_ANCHORS = """() => document.querySelectorAll("style").forEach((style) => {
  style.textContent = style.textContent.replaceAll("position-area", "position-unknown");
})"""
SAID = "# Title\n**bold** __under__ ||hidden|| <b>\n> quoted\n```\ncode\n```"


@pytest.fixture(scope="module")
def served(house: ScriptedHouse) -> Iterator[PageServer]:
    page = serve(house, "127.0.0.1", free_port())
    yield page
    page.close()


@pytest.fixture(autouse=True)
def _fresh(house: ScriptedHouse) -> None:
    house.current = status()
    house.tryout = house.has_token = True
    house.offered = (DEMO,)


async def use(page: Page, command: str, **arguments: str) -> None:
    """Type the command, fill in its form, and run it; it does not wait for the end."""
    await page.fill(".line", f"/demo {command}")
    await page.press(".line", "Enter")
    await page.wait_for_selector(".panel form")
    for name, value in arguments.items():
        await page.fill(f"[name={name}]", value)
    await page.click(".panel .go")


async def ended(page: Page) -> None:
    """Wait until the last turn has its end."""
    under = page.locator(".turn").last.locator(".under")
    await expect(under.get_by_text(re.compile("^(Cancel|Stop)$"))).to_have_count(0)


async def until(true: Callable[[], object]) -> None:
    """Wait until something is true."""
    limit = time.monotonic() + 3 * PATIENCE
    while not true() and time.monotonic() < limit:  # noqa: ASYNC110 - the server has other threads
        await asyncio.sleep(0.02)
    assert true()


@pytest.mark.parametrize(
    ("bot", "said", "unsaid"),
    [
        (OFF, ["No token set", "Reset Token", "DISCORD_TOKEN="], ["Add to a server"]),
        (CONNECTED, ["Connected as Muse", "48 ms", "Add to a server"], ["Reset Token"]),
        (FAILED, ["Stopped", FAILED.reason], ["Connected"]),
        (RETRYING, ["Trying again", RETRYING.reason], ["Connected"]),
    ],
    ids=lambda value: value.phase if isinstance(value, BotStatus) else "",
)
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_the_state_is_told(served, house, browser, bot, said, unsaid, scheme) -> None:
    house.current, house.has_token = status(bot), bot is not OFF
    size = PHONE if scheme == "dark" else (1280, 900)
    async with visit(browser, served.url, size, scheme) as visited:
        text = await visited.page.inner_text(".spacebot")
        assert [part for part in said if part not in text] == []
        assert [part for part in unsaid if part in text] == []
        assert await visited.page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert await serious(visited.page) == []
        assert visited.foreign == []
        assert visited.complaints == []


async def test_no_word_stands_over_a_plot(served, house, browser) -> None:
    house.current = status(CONNECTED)
    async with visit(browser, served.url, PHONE) as visited:
        for drawing in await visited.page.locator(".drawing").all():
            top = await drawing.locator(".most").bounding_box()
            plot = await drawing.locator("svg").bounding_box()
            assert top
            assert plot
            assert top["y"] + top["height"] <= plot["y"]


async def test_a_space_that_is_down_is_told_and_nothing_of_it_runs(served, house, browser) -> None:
    down = space_status(answers=False, reason=f"It is paused. {HOSTILE}", source="x" * 200)
    house.current = status(CONNECTED, space_status(), down)
    async with visit(browser, served.url, PHONE) as visited:
        page = visited.page
        await expect(page.locator(".space").nth(0)).to_contain_text("Answers, for 2 h 13 min")
        await expect(page.locator(".space h3").nth(0)).to_have_text("demo demo/space")
        await expect(page.locator(".space").nth(1)).to_contain_text("Does not answer")
        await expect(page.locator(".space").nth(1)).to_contain_text(HOSTILE)
        assert await page.get_attribute("a.button", "href") == INVITE
        assert await page.evaluate("window.hacked") is None
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


async def test_the_page_follows_what_changes_and_keeps_what_is_open(served, house, browser) -> None:
    house.current = status(CONNECTED)
    async with visit(browser, served.url) as visited:
        page = visited.page
        await page.click(".space summary")
        await expect(page.locator(".space details li")).to_be_visible()
        house.current = status(FAILED, space_status(answers=False, reason="It is asleep."))
        await expect(page.get_by_role("alert").filter(visible=True)).to_contain_text(FAILED.reason)
        await expect(page.locator(".space")).to_contain_text("It is asleep.")
        await expect(page.locator(".space details li")).to_be_visible()


async def test_the_page_says_that_it_lost_the_program(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        look = "document.dispatchEvent(new Event('visibilitychange'))"
        await visited.page.context.set_offline(True)
        lost = visited.page.locator(".lost")
        await visited.page.evaluate(look)
        await visited.page.wait_for_timeout(100)
        await visited.page.evaluate(look)
        await expect(lost).to_be_visible()
        await visited.page.context.set_offline(False)
        await visited.page.evaluate(look)
        await expect(lost).to_be_hidden()


async def test_a_command_is_chosen_and_run_with_the_keyboard(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await page.focus(".line")
        await page.keyboard.type("/comp")
        await expect(page.get_by_role("option")).to_have_count(1)
        assert await serious(page) == []
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("prompt")).to_be_focused()
        assert await serious(page) == []
        await page.keyboard.type("calm piano")
        limit = "getComputedStyle(document.querySelector('.field'), '::after').content"
        assert await page.evaluate(limit) == '"10 of 500 characters"'
        await page.keyboard.press("Enter")
        await ended(page)
        await expect(page.locator(".turn")).to_contain_text("you used /demo compose")
        await expect(page.locator(".turn")).to_contain_text("you · prompt: calm piano")
        await expect(page.locator(".say")).to_have_text("Done.")
        await expect(page.locator(".line")).to_be_focused()
        loaded = "() => document.querySelector('.turn audio').duration > 0.9"
        await page.wait_for_function(loaded)
        assert dict(house.jobs[-1].arguments) == {"prompt": "calm piano"}
        assert await serious(page) == []
        assert visited.foreign == []
        assert visited.complaints == []


async def test_commands_come_as_soon_as_a_space_answers(served, house, browser) -> None:
    house.offered = ()
    async with visit(browser, served.url) as visited:
        await expect(visited.page.locator(".hello")).to_contain_text("No Space has answered yet")
        house.offered = (DEMO,)
        await expect(visited.page.locator(".picks button").first).to_have_text("/demo compose")
        await expect(visited.page.locator(".hello")).not_to_contain_text("yet", use_inner_text=True)


async def test_every_kind_of_field_is_sent(served, house, browser) -> None:
    async with visit(browser, served.url, PHONE) as visited:
        page = visited.page
        await page.click(".slash")
        await page.get_by_role("option").nth(1).click()
        await page.fill("[name=prompt]", "sea")
        await page.select_option("[name=form]", label="Flowing lines")
        await page.fill("[name=seed]", "-1")
        await page.click(".panel .go")
        assert await page.evaluate("document.querySelector('[name=seed]').validity.rangeUnderflow")
        await page.fill("[name=seed]", "12")
        await page.click(".panel .go")
        await ended(page)
        assert dict(house.jobs[-1].arguments) == {
            "prompt": "sea",
            "form": "Flowing lines",
            "seed": 12,
        }
        await page.wait_for_function("document.querySelector('.picture img').naturalWidth === 300")
        await expect(page.get_by_alt_text("What it shows")).to_be_visible()
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


async def test_a_file_is_attached_and_removed_afterwards(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await page.fill(".line", "/describe")
        await page.press(".line", "Enter")
        sent = {"name": "../a.png", "mimeType": "image/png", "buffer": b"picture"}
        await page.set_input_files("[name=picture]", files=[sent])  # type: ignore[list-item]
        await page.click(".panel .go")
        await ended(page)
        await expect(page.locator(".turn")).to_contain_text("a.png, 7 bytes")
        assert house.read == [b"picture"]
        path = house.jobs[-1].arguments["picture"].path
        await until(lambda: not path.exists())


async def test_choices_are_suggested_while_typing(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await page.fill(".line", "/speak")
        await page.press(".line", "Enter")
        await page.fill("[name=voice]", "Voice 59")
        await expect(page.locator("datalist option").first).to_have_attribute("value", "Voice 59")


async def test_text_is_shown_in_discords_markdown(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "write", prompt=SAID)
        await ended(page)
        text = page.locator(".turn .text")
        await expect(text.get_by_role("heading", name="Title")).to_be_visible()
        for tag, words in (("strong", "bold"), ("u", "under"), ("blockquote", "quoted")):
            await expect(text.locator(tag)).to_have_text(words)
        await expect(text).to_contain_text("<b>")
        await page.get_by_role("button", name="Spoiler").press("Enter")
        await expect(page.locator(".spoiler[aria-expanded=true]")).to_have_text("hidden")


async def test_an_error_stands_in_the_message(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "fail", prompt="x")
        await ended(page)
        await expect(page.locator(".problem")).to_have_text("❌ The Space says: **no**")
        await expect(page.locator(".turn")).to_contain_text("half of it")
        assert await page.evaluate("window.hacked") is None
        await page.get_by_role("button", name="Edit…").click()
        await expect(page.get_by_label("prompt")).to_have_value("x")


async def test_a_message_is_where_it_is_in_discord_and_has_its_buttons(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "compose", prompt="rain", seed="7")
        await ended(page)
        turn = page.locator(".turn").last
        await expect(turn).to_contain_text("prompt: rain · seed: 7")
        await expect(turn).to_contain_text("Done in 0.0 s · in a thread")
        thread = turn.get_by_role("region", name="Thread: rain")
        await expect(thread.locator("audio")).to_have_count(1)
        await expect(turn.locator(".under > button")).to_have_text(
            ["🔁Again", "🎲Vary", "✏️Edit…", "➡️Send to…", "🧾Recipe", "🗑️Delete"]
        )
        await turn.get_by_role("button", name="Recipe").click()
        await expect(turn.locator(".whisper pre")).to_have_text("/demo compose prompt:rain seed:7")
        await expect(turn.locator(".whisper")).to_contain_text("On demo/space, endpoint /compose.")
        assert await serious(page) == []
        await turn.get_by_role("button", name="Dismiss message").click()
        await expect(turn.locator(".whisper")).to_have_count(0)
        await turn.get_by_role("button", name="Delete").click()
        await expect(page.locator(".turn")).to_have_count(0)
        await use(page, "speak", prompt="hello")
        await ended(page)
        turn = page.locator(".turn")
        await expect(turn).to_contain_text("Only you can see this")
        await expect(turn.locator(".under > button")).to_have_text(
            ["🔁Again", "✏️Edit…", "➡️Send to…", "🧾Recipe"]
        )
        await turn.get_by_role("button", name="Dismiss message").click()
        await expect(turn).to_have_count(0)


async def test_a_typed_command_and_a_pasted_recipe_run(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await page.fill(".line", "/demo paint sunset over the sea")
        await expect(page.get_by_role("option")).to_have_count(1)
        await expect(page.locator(".pills span")).to_have_text(["prompt", "form", "seed"])
        assert await serious(page) == []
        await page.press(".line", "Enter")
        await expect(page.locator(".turn")).to_have_count(1)
        await ended(page)
        assert dict(house.jobs[-1].arguments) == {"prompt": "sunset over the sea"}
        await page.get_by_role("button", name="Recipe").click()
        recipe = await page.locator(".whisper pre").inner_text()
        pasted = f"{recipe} seed:12 form:Flowing lines"
        await page.fill(".line", pasted)
        await page.press(".line", "Enter")
        await expect(page.locator(".turn")).to_have_count(2)
        await ended(page)
        assert dict(house.jobs[-1].arguments) == {
            "prompt": "sunset over the sea",
            "seed": 12,
            "form": "Flowing lines",
        }
        # A value that a field rejects opens the form, and nothing runs.
        await page.fill(".line", "/demo paint land seed:many")
        await page.press(".line", "Enter")
        await expect(page.get_by_label("prompt")).to_have_value("land")
        await expect(page.get_by_label("seed")).to_have_value("")
        assert len(house.jobs) == count_of(house, "sunset over the sea")


def count_of(house: ScriptedHouse, prompt: str) -> int:
    """The number of the latest job with this prompt."""
    jobs = enumerate(house.jobs, 1)
    return max(number for number, job in jobs if job.arguments.get("prompt") == prompt)


async def test_the_owners_buttons_go_on_with_a_result(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "paint", prompt="sea", seed="7")
        await ended(page)
        await page.get_by_role("button", name="Explain 2").click()
        await expect(page.locator(".turn")).to_have_count(2)
        await ended(page)
        await expect(page.locator(".turn").last).to_contain_text("used /demo paint ▸ Explain 2")
        job = house.jobs[-1]
        assert (job.command, dict(job.arguments)) == ("/demo paint ▸ Explain 2", {})
        assert job.endpoint.constants["prompt"] == "something"
        # The form asks for required values that are not taken from the result.
        await page.get_by_role("button", name="Say").click()
        await page.get_by_label("prompt").fill("land")
        await page.click(".panel .go")
        await expect(page.locator(".turn")).to_have_count(3)
        await ended(page)
        assert dict(house.jobs[-1].arguments) == {"prompt": "land"}
        answer = await page.request.get(
            f"{served.url}spacebot/tryout/form?command=demo paint&after=gone:0000:0"
        )
        assert (answer.status, "Run the first command again" in await answer.text()) == (404, True)


async def test_vary_draws_another_seed(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "compose", prompt="rain", seed="7")
        await ended(page)
        await page.get_by_role("button", name="Vary").click()
        await until(lambda: len(house.jobs) > 1 and house.jobs[-1].arguments.get("seed") != 7)
        await ended(page)
        assert house.jobs[-1].arguments["prompt"] == "rain"
        await use(page, "write", prompt="no seed")
        await ended(page)
        await expect(page.locator(".turn").last.get_by_text("Vary")).to_have_count(0)


async def test_late_news_of_the_commands_opens_no_menu_again(served, house, browser) -> None:
    async with visit(browser, served.url, PHONE, "dark") as visited:
        page, arrive, formed = visited.page, asyncio.Event(), asyncio.Event()

        async def late(route: Route) -> None:
            await arrive.wait()
            await route.continue_()

        async def form(route: Route) -> None:
            await formed.wait()
            await route.continue_()

        await page.route("**/tryout/commands*", late)
        await page.route("**/tryout/form*", form)
        await page.focus(".line")
        await page.fill(".line", "/demo paint")
        await page.press(".line", "Enter")
        async with page.expect_response("**/tryout/commands*"):
            arrive.set()
        formed.set()
        await page.fill("[name=prompt]", "sea")
        await page.click(".panel .go")
        await ended(page)
        await expect(page.locator("#spacebot-menu")).to_be_hidden()


async def test_a_result_is_sent_to_another_command(served, house, browser) -> None:
    async with visit(browser, served.url, PHONE, "dark") as visited:
        page = visited.page
        await use(page, "paint", prompt="sea")
        await ended(page)
        await page.get_by_role("button", name="Send to…").click()
        assert await serious(page) == []
        targets = page.locator(".targets button")
        await expect(targets.first).to_have_text("/demo describe picture: picture.png")
        await page.wait_for_function("document.querySelector('.targets img').naturalWidth === 300")
        assert 0 <= await page.evaluate(GAP) < 10
        await page.evaluate(WITHOUT_ANCHORS)
        assert await page.evaluate(OFF_CENTER) < 2
        await page.keyboard.press("Escape")
        await expect(targets.first).to_be_hidden()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Enter")
        await expect(page.get_by_label("picture")).to_be_focused()
        await page.click(".panel .go")
        await ended(page)
        await expect(page.locator(".turn").last).to_contain_text("picture.png")
        assert house.read[-1].startswith(b"\x89PNG")
        assert await page.evaluate("document.documentElement.scrollWidth") == PHONE[0]


async def test_a_chat_goes_on_until_it_is_left(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "chat", message="hello")
        await ended(page)
        await expect(page.locator(".turn .mine")).to_contain_text("hello")
        thread = page.get_by_role("region", name="Thread: hello")
        await expect(thread.locator(".under > button")).to_have_text(["Regenerate"])
        await expect(page.locator(".line")).to_have_attribute("placeholder", "Message /demo chat")
        await page.fill(".line", "and again")
        sent = {"name": "a.png", "mimeType": "image/png", "buffer": b"picture"}
        two = [sent, {**sent, "name": "b.png"}]
        await page.set_input_files(".attach input", files=two)  # type: ignore[list-item]
        await expect(page.locator(".say")).to_contain_text("a.png, b.png")
        await page.press(".line", "Enter")
        turn = page.locator(".turn").last
        await expect(turn).to_contain_text("You said: and again a.png")
        await expect(turn).to_contain_text("This chat does not take b.png: left out.")
        assert await serious(page) == []
        await thread.get_by_role("button", name="Regenerate").click()
        await until(lambda: [text for _, text in house.said[-2:]] == ["and again"] * 2)
        await expect(thread.locator(".turn")).to_have_count(2)
        await ended(page)
        house.said.pop()
        await page.get_by_role("button", name="Leave the conversation").click()
        await page.fill(".line", "nobody hears")
        await page.press(".line", "Enter")
        await expect(page.locator(".say")).to_have_text("Type / to choose a command.")
        await use(page, "chat", message="another")
        await expect(page.locator(".turn").last).to_contain_text("You said: another")
    (one, first), (two, second), (three, third) = house.said[-3:]
    assert (first, second, third) == ("hello", "and again", "another")
    assert one == two != three


async def test_a_reload_loses_nothing(served, house, browser) -> None:
    async with visit(browser, served.url) as visited, visit(browser, served.url) as other:
        page = visited.page
        await use(page, "compose", prompt="rain", seed="7")
        await ended(page)
        await use(page, "chat", message="hello")
        await ended(page)
        await page.get_by_role("button", name="Leave the conversation").click()
        await use(page, "wait")
        bar = page.locator(".progress", has_text="25%")
        await expect(bar).to_contain_text("started")
        job = house.jobs[-1].id
        (cookie,) = await page.context.cookies()
        assert (cookie.get("httpOnly"), cookie.get("sameSite")) == (True, "Strict")
        assert cookie.get("expires", 0) - time.time() == pytest.approx(3600, abs=300)
        await page.reload()
        await expect(page.locator(".turn")).to_have_count(3)
        await expect(page.locator(".turn audio")).to_have_count(1)
        await expect(page.get_by_role("region", name="Thread: hello")).to_contain_text("You said")
        await expect(bar).to_contain_text("started")
        assert job not in house.cancelled
        assert await serious(page) == []
        # A stranger gets none of it, even with its id.
        turns = await page.request.get(f"{served.url}spacebot/tryout/turns")
        name = (await turns.json())[0]["id"]
        path = f"{served.url}spacebot/tryout/turn?turn={name}"
        assert (await page.request.get(path)).status == 200
        assert (await other.page.request.get(path)).status == 404
        await expect(other.page.locator(".turn")).to_have_count(0)
        await page.get_by_role("button", name="Cancel").click()
        await expect(page.locator(".problem")).to_contain_text("Cancelled.")
        await until(lambda: job in house.cancelled)
        await page.locator(".turn", has_text="rain").get_by_role("button", name="Again").click()
        await expect(page.locator(".turn")).to_have_count(4)
        await ended(page)
        assert dict(house.jobs[-1].arguments) == {"prompt": "rain", "seed": 7}
        await page.locator(".turn").last.get_by_role("button", name="Delete").click()
        await page.reload()
        await expect(page.locator(".turn")).to_have_count(3)
        assert visited.complaints == []


async def test_a_broken_stream_is_resumed(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page

        # The response breaks off after its first event.
        async def broken(route: Route) -> None:
            answer = await route.fetch(timeout=60_000)
            await route.fulfill(
                response=answer, body=(await answer.text()).split("\n\n")[0] + "\n\n"
            )

        await page.route("**/tryout/run*", broken)
        await use(page, "write", prompt="here it is")
        await ended(page)
        await expect(page.locator(".turn")).to_contain_text("here it is")
        await expect(page.locator(".problem")).to_have_count(0)


async def test_cancelling_stops_the_job(served, house, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "wait")
        bar = page.locator(".progress", has_text="25%")
        await expect(bar).to_contain_text("started")
        await expect(page.locator(".say")).to_have_text("The Space is working")
        await page.get_by_role("button", name="Cancel").press("Enter")
        await expect(page.get_by_role("button", name="Again")).to_be_focused()
        await expect(page.locator(".problem")).to_contain_text("Cancelled.")
        await until(lambda: house.jobs[-1].id in house.cancelled)


async def test_visitors_see_nothing_of_each_other(served, house, browser) -> None:
    async with visit(browser, served.url) as one, visit(browser, served.url) as other:
        await use(one.page, "write", prompt="a secret")
        await ended(one.page)
        await use(other.page, "write", prompt="mine")
        await ended(other.page)
        assert "a secret" not in await other.page.content()
        first, second = house.jobs[-2:]
        assert first.requester.user != second.requester.user


async def test_what_a_space_made_runs_nothing_here(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await use(page, "files")
        await ended(page)
        await expect(page.locator(".turn .message")).to_have_count(2)
        for link in await page.locator("a.file").all():
            path = await link.get_attribute("href")
            answer = await page.request.get(f"{served.url}{path}")
            assert answer.headers["content-type"] == "application/octet-stream"
            assert answer.headers["content-disposition"].startswith("attachment")
            assert answer.headers["x-content-type-options"] == "nosniff"
            assert "sandbox" in answer.headers["content-security-policy"]


async def test_gradio_offers_nothing_to_call(served) -> None:
    async with httpx.AsyncClient(base_url=served.url) as client:
        info = (await client.get("gradio_api/info")).json()
        assert info == {"named_endpoints": {}, "unnamed_endpoints": {}}
        assert (await client.get("config")).json()["dependencies"] == []
        answers = [
            await client.request(method, f"gradio_api/{path}", json={"data": [], "fn_index": 0})
            for method, path in (
                *(("POST", path) for path in ("upload", "process_recording", "queue/join")),
                *(("POST", path) for path in ("run/predict", "call/predict", "component_server")),
                *(("GET", path) for path in ("dev/reload", "queue/data", "heartbeat/x")),
                *(("GET", f"file={path}") for path in ("app.py", "/etc/hostname")),
            )
        ]
        assert {answer.status_code for answer in answers} == {404}


async def test_an_idle_page_asks_seldom_and_is_told_nothing(served, house, browser) -> None:
    house.current = status(CONNECTED)
    async with visit(browser, served.url) as visited:
        page = visited.page
        asked: list[str] = []
        answers: list[int] = []
        page.on("request", lambda request: asked.append(request.url))
        page.on("response", lambda response: answers.append(response.status))
        await page.clock.install()
        await page.reload()
        await page.wait_for_selector(".spacebot .counts")
        await page.clock.run_for(1000)
        await page.wait_for_load_state("networkidle")
        asked.clear()
        answers.clear()
        for _ in range(10):
            await page.clock.run_for(3000)
            count = len(asked)
            await until(lambda expected=count: len(answers) >= expected)
        # Once in 3 s, and nothing else: nothing has changed, so nothing is sent.
        assert len(asked) <= 11
        assert all("/spacebot/status" in url for url in asked)
        # The uptime may grow by a minute meanwhile.
        assert answers[-5:].count(204) >= 4
        await page.evaluate(
            "Object.defineProperty(document, 'hidden', { value: true });"
            "document.dispatchEvent(new Event('visibilitychange'))"
        )
        await page.clock.run_for(3000)
        asked.clear()
        await page.clock.run_for(60_000)
        assert asked == []


async def test_the_bot_is_asked_once_however_many_look(served, house) -> None:
    started, go_on = threading.Event(), threading.Event()
    calls: list[int] = []
    arguments = house.status

    def slow():
        calls.append(1)
        started.set()
        go_on.wait(5)
        return arguments()

    house.status = slow
    try:
        async with httpx.AsyncClient(base_url=served.url) as client:
            looks = [asyncio.create_task(client.get("spacebot/status")) for _ in range(10)]
            await until(started.is_set)
            # A hanging bot does not block the page itself.
            assert (await client.get("config")).status_code == 200
            go_on.set()
            answers = await asyncio.gather(*looks)
    finally:
        del house.status
    assert {answer.status_code for answer in answers} == {200}
    assert len(calls) <= 2
