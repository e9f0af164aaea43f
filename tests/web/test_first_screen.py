"""What a visitor sees first, in windows of several sizes, and forms that are too tall for them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace

import httpx
import pytest
from playwright.async_api import Dialog, FloatRect, Locator, Route, expect

from spacebot.models import BotPhase, BotStatus, ExcludedEndpoint, Source, Space
from spacebot.web import PageServer, serve
from spacebot.web.readme import readme_text
from tests.support.browser.axe import serious
from tests.support.browser.chromium import EXECUTABLE, MISSING, free_port, visit
from tests.support.browser.scripted_program import DEMO, OFF, PROMPT, ScriptedHouse, status

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(EXECUTABLE is None, reason=MISSING),
]

LAPTOP, TABLET, MOBILE = (1440, 900), (1024, 768), (390, 844)
FAILED = BotStatus(BotPhase.FAILED, "Discord refused the token. Reset it and restart.")


@pytest.fixture(scope="module")
def served(house: ScriptedHouse) -> Iterator[PageServer]:
    page = serve(house, "127.0.0.1", free_port())
    yield page
    page.close()


@pytest.fixture(autouse=True)
def _fresh(house: ScriptedHouse) -> None:
    house.current, house.has_token, house.offered = status(OFF), False, (DEMO,)
    house.any_space = True
    house.brought.clear()


async def box(found: Locator) -> FloatRect:
    """Where an element is, in pixels."""
    await expect(found).to_be_visible()
    rect = await found.bounding_box()
    assert rect
    return rect


def bottom(rect: FloatRect) -> float:
    """Its lower edge."""
    return rect["y"] + rect["height"]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [LAPTOP, TABLET, MOBILE], ids=lambda size: str(size[0]))
async def test_the_first_screen_says_what_it_is_and_can_be_tried(
    served, browser, size, scheme
) -> None:
    async with visit(browser, served.url, size, scheme) as visited:
        page = visited.page
        lead = await box(page.get_by_text("Turns any Gradio Space into slash commands"))
        tryout, guide = await box(page.locator(".tryout")), await box(page.locator(".setup"))
        counts, plots = await box(page.locator(".counts")), await box(page.locator(".plots"))
        assert bottom(lead) <= tryout["y"]
        assert bottom(await box(page.locator(".composer"))) <= size[1]
        if size == LAPTOP:
            assert guide["x"] >= tryout["x"] + tryout["width"]
            assert max(bottom(tryout), bottom(guide)) <= size[1]
        else:
            assert bottom(tryout) <= guide["y"]
        assert bottom(guide) <= counts["y"]
        assert max(bottom(counts), bottom(tryout)) <= plots["y"]
        assert await page.evaluate("document.documentElement.scrollWidth") == size[0]
        assert await serious(page) == []
        assert visited.complaints == []


async def test_the_page_has_an_icon_and_its_readme(served, browser) -> None:
    async with visit(browser, served.url) as visited, httpx.AsyncClient() as client:
        page = visited.page
        icon = await page.evaluate("document.querySelector('link[rel=icon]').href")
        answer = await client.get(icon)
        assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
        link = await page.get_by_role("link", name="README").evaluate("link => link.href")
        answer = await client.get(link)
        assert answer.text.startswith("# Spacebot\n")
        assert answer.headers["content-type"].startswith("text/plain")


async def test_a_checkout_without_a_readme_shows_the_installed_one(tmp_path) -> None:
    assert readme_text(tmp_path / "README.md").strip()


@pytest.mark.parametrize("size", [LAPTOP, MOBILE], ids=lambda size: str(size[0]))
async def test_nothing_that_appears_later_moves_the_try_out(served, house, browser, size) -> None:
    house.current = status(replace(FAILED, name="Muse" * 20))
    context = await browser.new_context(viewport={"width": size[0], "height": size[1]})
    page, told = await context.new_page(), asyncio.Event()

    async def late(route: Route) -> None:
        await told.wait()
        await route.continue_()

    await page.route("**/spacebot/status*", late)
    await page.goto(served.url)
    tryout = page.locator(".tryout")
    before = await box(tryout)
    told.set()
    await expect(page.get_by_role("alert").filter(has_text="The bot has stopped")).to_be_visible()
    assert await box(tryout) == before
    await context.set_offline(True)
    for _ in range(2):
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await page.wait_for_timeout(100)
    await expect(page.locator(".lost")).to_be_visible()
    assert await box(tryout) == before
    await context.close()


@pytest.mark.parametrize("size", [LAPTOP, TABLET, MOBILE], ids=lambda size: str(size[0]))
async def test_a_tall_form_says_that_it_scrolls_and_its_button_stays(
    served, house, browser, size
) -> None:
    many = tuple(
        replace(PROMPT, name=f"text{number}", option=f"text{number}", required=False)
        for number in range(20)
    )
    tall = replace(DEMO.endpoints[0], name="tall", api_name="/tall", parameters=many)
    house.offered = (replace(DEMO, endpoints=(*DEMO.endpoints, tall)),)
    async with visit(browser, served.url, size) as visited:
        page = visited.page
        await page.fill(".line", "/demo tall")
        await page.press(".line", "Enter")
        form, run = page.locator(".panel form"), page.get_by_role("button", name="Run")
        await expect(form).to_have_class("more")
        await expect(run).to_be_in_viewport(ratio=1)
        assert await serious(page) == []
        await page.locator(".fields").evaluate("fields => fields.scrollTo(0, 1e6)")
        await expect(form).not_to_have_class("more")
        await expect(run).to_be_in_viewport(ratio=1)
        await page.get_by_role("button", name="Back").click()
        await page.fill(".line", "/demo fail")
        await page.press(".line", "Enter")
        await expect(form.get_by_label("prompt")).to_be_in_viewport(ratio=1)
        await expect(form).not_to_have_class("more")


async def test_a_visitor_brings_a_space_and_nobody_else_sees_it(served, house, browser) -> None:
    write = replace(DEMO.endpoints[4], space="guest/writer")
    house.brought["guest/writer"] = Space(Source("guest/writer"), "demo", "Writer", (write,))
    async with visit(browser, served.url, MOBILE) as mine, visit(browser, served.url) as other:
        page, told = mine.page, mine.page.locator(".any-told")
        field = page.get_by_label("Try any Space")
        await field.evaluate("field => { field.value = field.placeholder; }")
        assert await field.evaluate("field => field.scrollWidth <= field.clientWidth")
        await field.fill("guest/nobody")
        await page.get_by_role("button", name="Read").click()
        await expect(told).to_have_text("There is no Space called guest/nobody.")
        await field.fill("guest/writer")
        await page.keyboard.press("Enter")
        await expect(told).to_have_text("Writer is ready: choose one of its commands.")
        # The bot's own Space has the name "demo".
        await expect(page.get_by_role("option")).to_have_text(
            "/demo_2Write text in all of Discord's markdown.prompt"
        )
        await page.keyboard.press("Enter")
        await page.get_by_label("prompt").fill("hello")
        await page.get_by_role("button", name="Run").click()
        await expect(page.locator(".turn")).to_contain_text("you used /demo_2")
        assert house.jobs[-1].endpoint.space == "guest/writer"
        assert await serious(page) == []
        assert mine.complaints == [
            "Failed to load resource: the server responded with a status of 409 (Conflict)"
        ]
        await other.page.fill(".line", "/demo_2")
        await expect(other.page.locator(".say")).to_have_text("No command has that name.")


async def test_a_space_without_commands_is_told(served, house, browser) -> None:
    nothing = ExcludedEndpoint("/tick", "it only updates the Space's own page")
    house.brought["guest/empty"] = Space(
        Source("guest/empty"), "empty", "Empty", (), excluded=(nothing,)
    )
    async with visit(browser, served.url) as visited:
        await visited.page.get_by_label("Try any Space").fill("guest/empty")
        await visited.page.keyboard.press("Enter")
        await expect(visited.page.locator(".any-told")).to_contain_text(
            "guest/empty has no command to try: it only updates"
        )


async def test_the_field_is_gone_where_the_owner_allows_no_space(house, browser) -> None:
    house.any_space = False
    page = serve(house, "127.0.0.1", free_port())
    try:
        async with visit(browser, page.url) as visited, httpx.AsyncClient() as client:
            await expect(visited.page.get_by_label("Try any Space")).to_have_count(0)
            answer = await client.post(
                f"{page.url}spacebot/tryout/space",
                data={"space": "guest/writer"},
                headers={"X-Spacebot-Session": "0" * 32, "Origin": page.url.rstrip("/")},
            )
            assert answer.status_code == 404
    finally:
        page.close()


async def test_back_asks_before_it_discards_what_was_typed(served, browser) -> None:
    async with visit(browser, served.url) as visited:
        page = visited.page
        await page.fill(".line", "/demo paint")
        await page.press(".line", "Enter")
        await page.get_by_label("prompt").fill("sea")
        await page.get_by_role("button", name="Back").click()
        await expect(page.locator(".say")).to_contain_text("discards what you typed")
        await expect(page.get_by_label("prompt")).to_have_value("sea")
        asked: list[str] = []

        async def stay(dialog: Dialog) -> None:
            asked.append(dialog.type)
            await dialog.dismiss()

        page.on("dialog", stay)
        await page.close(run_before_unload=True)
        await expect(page.get_by_label("prompt")).to_have_value("sea")
        assert asked == ["beforeunload"]
        await page.get_by_role("button", name="Discard and go back").click()
        await expect(page.locator(".composer")).to_be_visible()
