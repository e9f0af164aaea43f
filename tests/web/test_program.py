"""The real program in a real browser: the first ten minutes, and its owner's view."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Download, Locator, Page, expect

from tests.support.asking import ask
from tests.support.browser.axe import serious
from tests.support.browser.chromium import EXECUTABLE, MISSING, PHONE, visit
from tests.support.browser.hugging_face import hugging_face
from tests.support.loopback import Channel, DiscordServer, User
from tests.support.program import Program, running
from tests.support.server_spaces import told
from tests.support.spaces_hub import Hosted, hub

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.skipif(EXECUTABLE is None, reason=MISSING),
]

KEY = "0123456789abcdef" * 4
# Importing gradio takes 3 s of a core, which other tests may also need.
START = 120.0
PASSWORD = "correct horse battery"


@pytest_asyncio.fixture(loop_scope="module")
async def discord() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        server.limits.enforced = False
        yield server


def step(page: Page, title: str):
    """A step of the guide, by its title."""
    return page.locator(".step", has_text=title)


async def text_of(download: Download) -> str:
    """The content of a downloaded file."""
    return await asyncio.to_thread((await download.path()).read_text)


async def shown(program: Program, command: str = "/fast") -> None:
    """Wait until the page names a command."""
    await program.until_page(command, START)


async def test_the_first_ten_minutes(
    browser: Browser, discord: DiscordServer, served: Callable[[str], str], tmp_path: Path
) -> None:
    spaces = served("fast")
    ada = discord.add_user("ada")
    async with running(
        tmp_path / "key", discord, spaces, {"DISCORD_TOKEN": KEY}, ready=False
    ) as it:
        await shown(it)
        async with visit(browser, it.url) as visited:
            token = step(visited.page, "Give Spacebot its token")
            await expect(token).to_contain_text("holds the application's Public Key")
            assert await serious(visited.page) == []
            assert KEY not in await visited.page.content()
    # A value that is not a bot token is reported without asking Discord.
    assert [one for one in discord.requests if one.path.endswith("/users/@me")] == []
    # As a newcomer starts it: the embedded Space, which chats, and no intent switched on.
    discord.flags = 0
    async with running(tmp_path / "right", discord) as it:
        await shown(it, "/demo")
        async with visit(browser, it.url) as visited:
            page = visited.page
            token = step(page, "Give Spacebot its token")
            await expect(token).to_contain_text("Done")
            await expect(token).to_contain_text("turn on Message Content Intent")
            await expect(step(page, "Add the bot to a server")).to_contain_text("Next")
            invite = page.get_by_role("link", name="Invite link")
            assert "scope=bot+applications.commands" in str(await invite.get_attribute("href"))
            guild = discord.add_guild("Lab", ada)
            await expect(step(page, "Add the bot to a server")).to_contain_text("Done")
            await expect(step(page, "Use a command")).to_contain_text("such as /demo compose")
            art = guild.add_text_channel("art")
            seen = await ada.command("demo paint", prompt="sea", size=256, channel=art)
            await seen.wait(lambda one: one.message and one.message.attachments, timeout=30)
            await expect(page.locator("details.setup summary")).to_have_text(
                "Set up: every step is done, and there is some advice"
            )
            await expect(page.locator(".plot svg").first).to_be_visible()
            assert await serious(page) == []
            assert it.process.poll() is None
            assert discord.token not in await page.content()


async def test_the_owner_steers_the_program(
    browser: Browser, discord: DiscordServer, served: Callable[[str], str], tmp_path: Path
) -> None:
    ada = discord.add_user("ada")
    channel = discord.add_guild("Lab", ada).add_text_channel("art")
    async with hub() as hosts:
        hosts.spaces |= {name: Hosted(served("fast")) for name in ("ben/fast", "cleo/fast")}
        env = {"OWNER_PASSWORD": PASSWORD, "HF_ENDPOINT": hosts.url}
        await steer(browser, discord, ada, channel, served("trouble"), tmp_path, env)


async def steer(
    browser: Browser,
    discord: DiscordServer,
    ada: User,
    channel: Channel,
    spaces: str,
    folder: Path,
    env: dict[str, str],
) -> None:
    """Use everything in the owner's view."""
    async with running(folder, discord, spaces, env) as it:
        await it.until_page("/trouble", START)
        async with visit(browser, it.url) as owner, visit(browser, it.url) as stranger:
            page = owner.page
            await page.get_by_text("Owner", exact=True).click()
            # Gradio styles password fields too, white on the dark page.
            field = page.get_by_label("Owner's password")
            await expect(field).to_have_css("border-radius", "8px")
            rect = await field.bounding_box()
            assert rect
            assert rect["width"] <= 360
            primary = page.locator(".sign-in").get_by_role("button", name="Sign in")
            await expect(primary).to_have_css("background-color", "rgb(71, 82, 196)")
            await field.fill("not the password")
            await page.keyboard.press("Enter")
            await expect(page.locator(".sign-in .told")).to_contain_text("not the password")
            await page.get_by_label("Owner's password").fill(PASSWORD)
            await page.keyboard.press("Enter")
            await expect(page.get_by_role("heading", name="Owner's view")).to_be_focused()
            assert await serious(page) == []

            hang = await ada.command("trouble hang", seconds=60, channel=channel)
            await page.get_by_role("button", name="Cancel /trouble hang").click()
            await hang.wait(
                lambda one: one.message and "The owner of the bot stopped this" in one.message.text,
                timeout=10,
            )
            failed = await ada.command("trouble told", text="hidden words", channel=channel)
            await failed.wait(lambda one: one.message and "❌" in one.message.text, timeout=10)
            await expect(page.locator(".errors")).to_contain_text("hidden words")
            await expect(stranger.page.locator(".failures")).to_contain_text("raised an error")
            assert "hidden words" not in await stranger.page.content()
            assert "Only you see this" not in await stranger.page.content()

            await page.get_by_role("button", name="Pause /trouble told", exact=True).press("Enter")
            await expect(page.locator(".done-said")).to_contain_text("is paused")
            resume = page.get_by_role("button", name="Resume /trouble told", exact=True)
            await expect(resume).to_be_focused()
            await expect(stranger.page.locator(".space .paused")).to_have_text("paused")
            paused = await ada.command("trouble told", text="x", channel=channel)
            await paused.wait(
                lambda one: one.message and "paused by the owner" in one.message.text, timeout=10
            )
            # An owner's cancel and a pause are not failures, in any count on the page.
            counts = page.locator(".counts div")
            for count in ("Done0", "Failed1", "Cancelled1", "Rejected1"):
                await expect(counts.filter(has_text=count)).to_have_count(1)
            await expect(page.locator(".space .took")).to_contain_text("0 done, 1 failed")
            await expect(page.locator(".failures li")).to_have_count(1)
            plot = page.get_by_role("img", name="The last hour: 0 jobs done, 1 failed.")
            await expect(plot).to_have_count(1)
            await page.get_by_role("button", name="Read again").click()
            await expect(page.locator(".done-said")).to_contain_text("was read again")
            await steer_added_spaces(page, discord, channel)
            async with page.expect_download() as download:
                await page.get_by_role("link", name="Download the log").click()
            log = await text_of(await download.value)
            assert "the owner asked to pause /trouble told" in log
            assert discord.token not in log
            assert PASSWORD not in log
            assert "hidden words" not in log


async def steer_added_spaces(page: Page, discord: DiscordServer, channel: Channel) -> None:
    """Remove a Space that a server added everywhere, block an author, and take that back."""
    mod, guild = discord.add_user("mod"), channel.guild
    assert guild is not None
    guild.add_member(mod, "manage_guild")

    def commands() -> list[str]:
        return [one["name"] for one in discord.commands.all(guild.id)]

    async def add(space: str, name: str) -> str:
        options = {"space": space, "name": name, "endpoint": "/echo"}
        return await told(await mod.command("space add", options, channel=channel))

    assert "/quick" in await add("ben/fast", "quick")
    assert "/swift" in await add("cleo/fast", "swift")
    view, said = page.locator(".owned"), page.locator(".done-said")
    remove = view.get_by_role("button", name="Remove everywhere ben/fast")
    await remove.click(timeout=60_000)
    asking = page.get_by_role("dialog", name="Remove ben/fast from every server")
    await asking.get_by_role("button", name="Cancel").click()
    await expect(asking).to_have_count(0)
    assert sorted(commands()) == ["quick", "swift"]
    await remove.click()
    await asking.get_by_role("button", name="Remove").press("Enter")
    await expect(said).to_contain_text("ben/fast is removed from one server")
    await expect(remove).to_have_count(0)
    await discord.wait(lambda _: commands() == ["swift"], 60)
    await view.get_by_role("button", name="Block author cleo").click()
    await expect(said).to_contain_text("cleo is blocked")
    await expect(view.get_by_role("button", name="Unblock cleo")).to_be_visible()
    refused = await mod.command("swift", text="x", channel=channel)
    assert "blocked this Space" in await told(refused)
    assert "blocked this Space" in await add("cleo/fast", "again")
    await view.get_by_role("button", name="Unblock cleo").press("Enter")
    await expect(said).to_contain_text("can be added and used again")
    answer = await ask(mod, "swift", text="goes on", channel=channel)
    assert "goes on" in answer.content


async def test_the_spaces_creator_signs_in_with_hugging_face(
    browser: Browser, served: Callable[[str], str], tmp_path: Path
) -> None:
    async with hugging_face() as provider:
        env = {
            **provider.env,
            "SYSTEM": "spaces",
            "SPACE_ID": "ada/bot",
            "SPACE_CREATOR_USER_ID": "64d2",
            "OWNERS": "Grace",
            "GRADIO_SERVER_NAME": "127.0.0.1",
        }
        async with running(tmp_path, None, served("fast"), env, ready=False) as it:
            await shown(it)
            for sub, name, lets_in in (
                ("64d2", "ada", True),
                ("2", "grace", True),
                ("3", "eve", False),
            ):
                provider.sub, provider.name = sub, name
                async with visit(browser, it.url) as visited:
                    page = visited.page
                    await page.get_by_text("Owner", exact=True).click()
                    await page.get_by_role("link", name="Sign in with Hugging Face").click()
                    await page.wait_for_selector(".owned :is(.owner, .quiet)")
                    text = await page.inner_text(".owned")
                    assert ("Only you see this" in text) is lets_in
                    assert ("not an owner" in text) is not lets_in
                    assert name in text
                    await page.get_by_role("button", name="Sign out").click()
                    await expect(page.get_by_text("Owner", exact=True)).to_be_visible()


async def use(page: Page, command: str, **arguments: str) -> Locator:
    """Use a command of the try-out; returns its turn once it has ended."""
    before = await page.locator(".turn").count()
    await page.fill(".line", f"/{command}")
    await page.press(".line", "Enter")
    for name, value in arguments.items():
        await page.fill(f".panel [name={name}]", value)
    await page.click(".panel .go")
    return await ended(page, before)


async def ended(page: Page, before: int) -> Locator:
    """The turn after so many others, once it has its end."""
    turn = page.locator(".turn").nth(before)
    await expect(turn.locator(".under")).to_contain_text(re.compile("Again|Regenerate"))
    return turn


async def test_without_a_token_the_guide_begins_and_the_try_out_shows_every_kind_of_result(
    browser: Browser,
    discord: DiscordServer,
    served: Callable[[str], str],
    demo_url: str,
    tmp_path: Path,
) -> None:
    named = {"musicgen": served("musicgen"), "trouble": served("trouble"), "demo": demo_url}
    spaces = ", ".join(f"{name}={url}" for name, url in named.items())
    spaces += f", llama={served('codellama')}#/chat"
    no_token = {"DISCORD_TOKEN": ""}
    async with running(tmp_path, discord, spaces, no_token, ready=False) as it:
        for name in (*named, "llama"):
            await it.until_page(f"/{name}", START)
        async with visit(browser, it.url, PHONE, "dark") as visited:
            page = visited.page
            first_step = step(page, "Create an application")
            await expect(first_step).to_have_attribute("aria-current", "step")
            # Checked by itself.
            await expect(step(page, "Reach Discord")).to_contain_text("Done")
            assert await serious(page) == []
            assert visited.foreign == []
        async with visit(browser, it.url) as visited:
            page = visited.page
            music = await use(page, "musicgen", prompt="rain", seed="7")
            await expect(music.locator("audio, video")).not_to_have_count(0)
            paint = await use(page, "demo paint", prompt="sea", size="256")
            await expect(paint.locator(".picture img")).to_be_visible()
            await paint.get_by_role("button", name="Send to…").click()
            await paint.get_by_role("button", name="/demo describe").click()
            before = await page.locator(".turn").count()
            await page.click(".panel .go")
            described = await ended(page, before)
            await expect(described).to_contain_text("256")
            failed = await use(page, "trouble told", text="out of memory")
            await expect(failed.locator(".problem")).to_contain_text("out of memory")
            first = await use(page, "llama", message="reverse")
            await expect(first.locator("pre")).to_contain_text("def reverse")
            await page.fill(".line", "fibonacci")
            before = await page.locator(".turn").count()
            await page.press(".line", "Enter")
            second = await ended(page, before)
            # It received the earlier messages.
            await expect(second).to_contain_text("Answer 2.")
            assert await serious(page) == []
            assert visited.foreign == []
            assert visited.complaints == []


TYPES = """(field) => {
  for (let end = 1; end <= 3; end++) {
    field.value = "Flo".slice(0, end);
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
}"""


async def test_a_list_in_the_try_out_depends_on_what_is_filled_in_above_it(
    browser: Browser, discord: DiscordServer, served: Callable[[str], str], tmp_path: Path
) -> None:
    spaces = f"it={served('pages')}"
    async with running(tmp_path, discord, spaces, {"DISCORD_TOKEN": ""}, ready=False) as it:
        await it.until_page("/it visit", START)
        async with visit(browser, it.url) as visited:
            page = visited.page
            await page.fill(".line", "/it visit")
            await page.press(".line", "Enter")
            city, offered = page.get_by_label("city"), page.locator("#option-city-list option")
            await city.focus()
            await expect(offered).to_have_count(2)
            assert await offered.evaluate_all(VALUES) == ["Paris", "Lyon"]
            country = page.get_by_label("country")
            await country.focus()
            await country.select_option("Italy")
            await city.focus()
            await expect(offered.first).to_have_attribute("value", "Rome")
            assert await offered.evaluate_all(VALUES) == ["Rome", "Florence"]
            # Fast typing sends one request.
            asked: list[str] = []
            page.on("request", lambda one: asked.append(one.url))
            await city.evaluate(TYPES)
            await expect(offered).to_have_count(1)
            assert await offered.evaluate_all(VALUES) == ["Florence"]
            assert [url.partition("?")[2] for url in asked if "/suggest" in url] == [
                "command=it+visit&option=city&after="
            ]
            await city.fill("Rome")
            await page.get_by_label("street").fill("Condotti")
            await page.click(".panel .go")
            turn = await ended(page, 0)
            await expect(turn).to_contain_text("A week in Condotti, Rome, Italy")
            await turn.get_by_role("button", name="Recipe").click()
            whisper = turn.locator(".whisper")
            await expect(whisper).to_contain_text("page ran first: Country sets City")
            await expect(whisper).not_to_contain_text("Voice")
            assert visited.complaints == []


VALUES = "(all) => all.map((one) => one.value)"
