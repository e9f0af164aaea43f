"""/run and Try: a Space that no setting names, from its name to a result and beyond."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio

from spacebot.discord_bot.gateway.intents import CONTENT
from spacebot.engine.on_demand import ServerSpaces, SpacePolicy
from tests.e2e.conftest import Place, discord
from tests.support.asking import is_final, shown, until
from tests.support.automations import picture
from tests.support.bot_in_loop import Home, at_home
from tests.support.gradio_proxy import before
from tests.support.loopback import Channel, Interaction, Message
from tests.support.loopback.gateway import PRIVILEGED
from tests.support.loopback.server import FLAGS
from tests.support.program import running
from tests.support.spaces_hub import TOKEN, Hosted, Hub, HubAccount, hub

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = "Open the form"
ADAS = "hf_adasadasadasadasadas"


@asynccontextmanager
async def lab(
    folder: Path, policy: SpacePolicy | None = None, **more: object
) -> AsyncIterator[tuple[Place, Hub, Home]]:
    """A bot without Spaces of its own, with a Hub of its own."""
    policy = policy or SpacePolicy(runs_per_minute=1000)
    async with (
        hub() as hosts,
        discord() as place,
        at_home(place.server, folder=folder, hub=hosts.api, policy=policy, **more) as home,  # type: ignore[arg-type]
    ):
        yield place, hosts, home


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def shared_lab(
    served: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[Place, Hub, Home]]:
    """The same, shared by the tests of this file that do not change it."""
    async with lab(tmp_path_factory.mktemp("lab")) as (place, hosts, home):
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        hosts.spaces["owner/kinds"] = Hosted(served("kinds"))
        hosts.spaces["owner/tools"] = Hosted(served("musicgen"))
        yield place, hosts, home


async def run_form(place: Place, form: Interaction, given: dict[str, object]) -> Message:
    """Fill in a form and run it with the defaults of its other pages; returns the result."""
    seen = await place.ada.submit(form, given)
    if "Run with these" in shown(seen).buttons():
        seen = await place.ada.click(shown(seen), "Run with these")
    await seen.wait(is_final, 30)
    return shown(seen)


async def form_of(place: Place, space: str, **given: object) -> Interaction:
    """The form that /run opens, through its button if there is one."""
    seen = await place.ada.command("run", {"space": space, **given}, channel=place.channel)
    if seen.modal is None:
        await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
        seen = await place.ada.click(shown(seen), OPEN)
    assert seen.modal is not None, seen.describe()
    return seen


def fields(form: Interaction) -> dict[str, object]:
    """The fields of a form and their contents."""
    assert form.modal is not None
    return {one["label"]: one["component"].get("value") for one in form.modal["components"]}


async def test_a_space_is_offered_run_and_used_again(shared_lab) -> None:
    place, hosts, _ = shared_lab
    seen = await place.ada.command("run", space="owner/fast", wish="hi", channel=place.channel)
    await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
    offer = shown(seen)
    assert offer.ephemeral
    assert "<https://huggingface.co/spaces/owner/fast>" in offer.content
    assert "`echo`" in offer.content
    form = await place.ada.click(offer, OPEN)
    assert fields(form) == {"Text": "hi"}
    result = await run_form(place, form, {})
    assert not result.ephemeral
    assert "**/run space:owner/fast endpoint:echo** for" in result.content
    assert "hi" in result.content.split("\n", 1)[1]
    again = await place.ada.click(result, "Again")
    await again.wait(is_final, 30)
    assert "hi" in shown(again).content
    recipe = await place.ada.click(result, "Recipe")
    assert "/run space:owner/fast endpoint:echo text:hi" in shown(recipe).content
    assert "<https://huggingface.co/spaces/owner/fast>" in shown(recipe).content
    edit = await place.ada.click(result, "Edit…")
    assert fields(edit) == {"Text": "hi"}
    assert set(hosts.authorizations) == {None}


async def test_another_function_is_chosen_in_the_select(shared_lab) -> None:
    place, _, _ = shared_lab
    seen = await place.ada.command("run", space="owner/fast", channel=place.channel)
    await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
    form = await place.ada.choose(shown(seen), "/sleep")
    assert "Seconds" in fields(form)


async def test_a_named_endpoint_opens_its_form_with_the_file_in_it(shared_lab) -> None:
    place, _, _ = shared_lab
    await form_of(place, "owner/kinds")
    form = await form_of(
        place, "owner/kinds", endpoint="both", wish="sea", file=("a.png", picture("teal"))
    )
    assert fields(form)["Prompt"] == "sea"
    result = await run_form(place, form, {})
    assert "SEA" in result.content
    assert [one.filename.rpartition(".")[2] for one in result.attachments] == ["png"]


async def test_the_best_endpoint_takes_the_file(shared_lab) -> None:
    place, _, _ = shared_lab
    seen = await place.ada.command(
        "run", space="owner/kinds", file=("a.wav", b"RIFF"), channel=place.channel
    )
    await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
    assert "`audio`" in shown(seen).content


@pytest.mark.parametrize(
    "written",
    [
        "https://huggingface.co/spaces/owner/fast",
        "huggingface.co/spaces/owner/fast/tree/main",
        "https://owner-fast.hf.space/?x=1",
        " owner/fast ",
        # The Hub redirects other spellings and former names to the Space.
        "Owner/FAST",
        "former/fast",
    ],
)
async def test_addresses_of_the_hub_mean_the_space(shared_lab, written: str) -> None:
    place, hosts, _ = shared_lab
    hosts.renamed["former/fast"] = "owner/fast"
    seen = await place.ada.command("run", space=written, channel=place.channel)
    await until(seen, "<https://huggingface.co/spaces/owner/fast>")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("http://127.0.0.1:7860", "Only Spaces on Hugging Face can be used from Discord"),
        ("http://192.168.0.1/spaces/a/b", "Only Spaces on Hugging Face can be used from Discord"),
        ("localhost:7860", "Only Spaces on Hugging Face can be used from Discord"),
        ("https://example.com/app", "Only Spaces on Hugging Face can be used from Discord"),
        ("draw me a cat", "That is not the name of a Space."),
        ("owner/a--b", "That is not the name of a Space."),
        ("owner/missing", "There is no such Space on Hugging Face, or it is private"),
        ("https://owner-missing.hf.space", "There is no such Space on Hugging Face"),
    ],
)
async def test_what_is_no_space_of_the_hub_is_refused_in_words(
    shared_lab, written: str, told: str
) -> None:
    place, _, _ = shared_lab
    seen = await place.ada.command("run", space=written, channel=place.channel)
    message = await until(seen, told)
    assert message.ephemeral


@pytest.mark.parametrize(
    ("hosted", "told"),
    [
        ({"private": True}, "it is private and needs a token of your own"),
        ({"sdk": "static"}, "This is a static Space"),
        (
            {"sdk": "docker", "host": "http://127.0.0.1:9"},
            "This is a Docker Space, and no Gradio app",
        ),
        ({"stages": ["BUILD_ERROR"]}, "could not be built"),
        ({"stages": ["PAUSED"]}, "paused by its owner"),
        ({"stages": ["RUNTIME_ERROR"]}, "has crashed"),
        ({"disabled": True}, "Hugging Face has disabled this Space"),
    ],
)
async def test_a_space_that_cannot_serve_says_why(
    shared_lab, served: Callable[[str], str], hosted: dict[str, object], told: str
) -> None:
    place, hosts, _ = shared_lab
    hosts.spaces["owner/odd"] = Hosted(**{"host": served("fast"), **hosted})  # type: ignore[arg-type]
    seen = await place.ada.command("run", space="owner/odd", channel=place.channel)
    await until(seen, told)


async def test_a_space_that_the_hub_refuses_because_it_is_disabled_says_so(shared_lab) -> None:
    place, hosts, _ = shared_lab
    hosts.refusals["/api/spaces/owner/flagged"] = 403
    seen = await place.ada.command("run", space="owner/flagged", channel=place.channel)
    await until(seen, "Hugging Face has disabled this Space")


async def test_a_space_that_wakes_is_waited_for_in_words(
    shared_lab, served: Callable[[str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    place, hosts, _ = shared_lab
    monkeypatch.setattr("spacebot.spaces.client.hub.POLL_INTERVAL", 0.5)
    monkeypatch.setattr("spacebot.discord_bot.run_space.offer.NEWS_INTERVAL", 0.1)
    monkeypatch.setattr("spacebot.discord_bot.run_space.offer.QUICK", 0.1)
    stages = ["SLEEPING"] * 3 + ["BUILDING"] * 4 + ["RUNNING"]
    hosts.spaces["owner/sleeper"] = Hosted(served("fast"), stages)
    seen = await place.ada.command("run", space="owner/sleeper", channel=place.channel)
    assert shown(seen).ephemeral
    await until(seen, "The Space was asleep and is being woken")
    await until(seen, "The Space is being built")
    await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
    assert (await place.ada.click(shown(seen), OPEN)).modal is not None


async def test_a_hub_out_of_reach_is_told(tmp_path: Path) -> None:
    async with lab(tmp_path) as (place, hosts, _):
        hosts.refusals["/api/spaces/owner/name"] = 503
        seen = await place.ada.command("run", space="owner/name", channel=place.channel)
        await until(seen, "Hugging Face")
        assert "❌" in shown(seen).content


async def test_the_owner_says_which_spaces_members_may_use(
    tmp_path: Path, served: Callable[[str], str]
) -> None:
    policy = SpacePolicy(ServerSpaces.LISTED, ["good/*"], runs_per_minute=1000)
    async with lab(tmp_path, policy) as (place, hosts, _):
        hosts.spaces["good/fast"] = hosts.spaces["bad/fast"] = Hosted(served("fast"))
        seen = await place.ada.command("run", space="bad/fast", channel=place.channel)
        await until(seen, "Allowed: good/*.")
        # The owner's list allows a name, not the Space that used to have that name.
        hosts.renamed["good/gone"] = "bad/fast"
        seen = await place.ada.command("run", space="good/gone", channel=place.channel)
        await until(seen, "Allowed: good/*.")
        form = await form_of(place, "good/fast", wish="hi")
        result = await run_form(place, form, {})
        await policy.block("good")
        again = await place.ada.click(result, "Again")
        await until(again, "The bot's owner has blocked this Space.")


async def test_without_members_spaces_there_is_no_run(tmp_path: Path) -> None:
    policy = SpacePolicy(ServerSpaces.OFF)
    async with lab(tmp_path, policy, commands=False) as (place, _, _):
        await asyncio.sleep(1)
        names = {one["name"] for one in place.server.registered_commands}
        assert "run" not in names


async def test_a_member_s_runs_are_counted(tmp_path: Path, served: Callable[[str], str]) -> None:
    async with lab(tmp_path, SpacePolicy(runs_per_minute=2)) as (place, hosts, _):
        hosts.spaces["owner/fast"] = Hosted(served("fast"))
        result = await run_form(place, await form_of(place, "owner/fast", wish="hi"), {})
        again = await place.ada.click(result, "Again")
        await again.wait(is_final, 20)
        third = await place.ada.click(result, "Again")
        await until(third, "You can run Spaces of your own choice 2 times a minute.")
        theirs = await place.ben.click(result, "Again")
        await theirs.wait(is_final, 20)
        assert "hi" in shown(theirs).content


async def test_forged_ids_are_refused_in_words(shared_lab) -> None:
    place, _, _ = shared_lab
    seen = await place.ada.command("run", space="owner/fast", channel=place.channel)
    await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
    offer = shown(seen)
    for forged, told in (
        ("try:0000:owner/fast", "no longer has this function"),
        ("try:0000:owner/missing", "There is no such Space on Hugging Face"),
        ("try:0000:localhost/x--y", "no longer offered here"),
    ):
        offer.components[0]["components"][0]["custom_id"] = forged
        answer = await place.ada.click(offer, OPEN)
        await until(answer, told)


async def test_a_space_whose_inputs_changed_meanwhile_runs_nothing(
    tmp_path: Path, served: Callable[[str], str]
) -> None:
    async with lab(tmp_path) as (place, hosts, home), before(served("fast")) as proxy:
        hosts.spaces["owner/fast"] = hosted = Hosted(proxy.url)
        form = await form_of(place, "owner/fast", wish="hi")
        connection = home.catalogue.connection("owner/fast")
        # Another version of the app has taken its place.
        hosted.host = served("kinds")
        await connection.connect()
        seen = await place.ada.submit(form, {})
        await seen.wait(is_final, 30)
        assert "❌" in shown(seen).content
        assert "no longer" in shown(seen).content


async def test_everything_goes_on_after_a_sigkill(
    tmp_path: Path, served: Callable[[str], str]
) -> None:
    async with hub() as hosts, before(served("fast")) as proxy, discord() as place:
        hosts.spaces["owner/fast"] = Hosted(proxy.url)
        env = {"HF_ENDPOINT": hosts.url, "HF_TOKEN": TOKEN, "RUNS_PER_MINUTE": "100"}
        async with running(tmp_path, place.server, "", env, ends=-signal.SIGKILL) as program:
            await place.server.wait(lambda s: s.registered_commands, 30)
            seen = await place.ada.command(
                "run", space="owner/fast", wish="hi", channel=place.channel
            )
            await seen.wait(lambda one: OPEN in shown(one).buttons(), 20)
            offer = shown(seen)
            result = await run_form(place, await place.ada.click(offer, OPEN), {})
            form = await place.ada.choose(offer, "/sleep")
            waiting = await place.ada.submit(form, {"Seconds": "4"})
            await waiting.wait(lambda one: "Working" in shown(one).content, 20)
            menu = await place.ada.command("find", wish="something fast", channel=place.channel)
            await menu.wait(lambda one: not shown(one).loading, 30)
            await program.stop(signal.SIGKILL)
        async with running(tmp_path, place.server, "", env):
            await waiting.wait(is_final, 40)
            again = await place.ada.click(result, "Again")
            await again.wait(is_final, 30)
            assert "hi" in shown(again).content
            recipe = await place.ada.click(result, "Recipe")
            assert "text:hi" in shown(recipe).content
            # Its search is no longer stored, and the answer says so.
            form = await place.ada.click(offer, OPEN)
            assert fields(form) == {"Text": None}
            await form.wait(lambda one: one.followups, 20)
            assert "no longer in the form" in form.followups[0].content
            assert form.followups[0].ephemeral
            old = await place.ada.choose(shown(menu), "1. fast")
            assert "This menu is too old" in shown(old).content
        assert set(hosts.authorizations) == {None}
        assert proxy.tokens == set()


async def test_a_space_that_is_being_read_says_that_the_bot_stops(tmp_path: Path) -> None:
    async with lab(tmp_path) as (place, hosts, home):
        hosts.spaces["owner/slow"] = Hosted("http://127.0.0.1:9", ["BUILDING"])
        seen = await place.ada.command("run", space="owner/slow", channel=place.channel)
        await until(seen, "Reading **owner/slow**")
        await home.bot.close()
        await until(seen, "The bot is restarting.")


async def test_autocomplete_offers_the_hub_s_spaces_and_what_is_known_of_one(shared_lab) -> None:
    place, _, _ = shared_lab
    await form_of(place, "owner/fast")
    found = await place.ada.autocomplete("run", option="space", text="fas", channel=place.channel)
    assert "owner/fast" in [one["value"] for one in found]
    found = await place.ada.autocomplete(
        "run", {"space": "owner/fast"}, option="endpoint", text="ec", channel=place.channel
    )
    assert [one["value"] for one in found] == ["echo"]


async def test_a_chat_becomes_a_conversation_that_outlives_a_restart(
    tmp_path: Path, served: Callable[[str], str]
) -> None:
    async with hub() as hosts, discord() as place:
        hosts.spaces["owner/parrot"] = Hosted(served("parrot"))
        place.server.flags |= FLAGS["message_content"]
        place.server.privileged |= PRIVILEGED["message_content"]
        about = {"folder": tmp_path, "hub": hosts.api}
        async with at_home(place.server, **about) as home:
            form = await form_of(place, "owner/parrot", wish="hello")
            assert not home.bot.chat_router.conversations
            seen = await place.ada.submit(form, {})
            await seen.wait(lambda one: shown(one).thread is not None, 20)
            thread = shown(seen).thread
            assert thread is not None
            await place.server.wait(lambda _: said(thread, "You said “hello”"), 30)
            # What is said without a mention reaches the bot only by an intent that no Space
            # of the settings needs.
            await place.server.wait(lambda _: home.bot._renewing and home.bot._renewing.done(), 20)
            assert CONTENT in home.bot.privileged_intents.asked
            place.ada.say("once more", channel=thread)
            await place.server.wait(lambda _: said(thread, "1 before. You said “once more”"), 30)
        async with at_home(place.server, **about):
            place.ada.say("and now", channel=thread)
            await place.server.wait(lambda _: said(thread, "2 before. You said “and now”"), 30)
            assert not said(thread, "I cannot read messages here")


def said(thread: Channel, text: str) -> bool:
    """Whether a message in a thread says this."""
    return any(text in message.content for message in thread.messages)


async def test_a_member_s_own_private_space_is_theirs_alone(
    tmp_path: Path, served: Callable[[str], str]
) -> None:
    async with (
        before(served("fast")) as proxy,
        lab(tmp_path, secret_keys=["a-secret-key-of-the-owner"]) as (place, hosts, _),
    ):
        hosts.accounts[ADAS] = HubAccount("ada-on-hf")
        hosts.spaces["ada/secret"] = Hosted(proxy.url, private=True)
        token = await place.ada.submit(
            await place.ada.command("token set", channel=place.channel), {"Token": ADAS}
        )
        await until(token, "🔑")
        result = await run_form(place, await form_of(place, "ada/secret", wish="hi"), {})
        assert "hi" in result.content
        assert proxy.tokens == {f"Bearer {ADAS}"}
        theirs = await place.ben.command("run", space="ada/secret", channel=place.channel)
        await until(theirs, "it is private and needs a token of your own")


async def test_an_age_restricted_space_is_refused_where_minors_are(
    shared_lab, served: Callable[[str], str]
) -> None:
    place, hosts, _ = shared_lab
    tags = ["not-for-all-audiences"]
    hosts.spaces["owner/adult"] = Hosted(served("fast"), tags=tags)
    seen = await place.ada.command("run", space="owner/adult", channel=place.channel)
    await until(seen, "age-restricted")
    assert OPEN not in shown(seen).buttons()


async def test_of_three_hundred_functions_the_best_is_offered_and_all_can_be_had(
    shared_lab, served: Callable[[str], str]
) -> None:
    place, hosts, _ = shared_lab
    hosts.spaces["owner/hundreds"] = Hosted(served("hundreds"))
    seen = await place.ada.command("run", space="owner/hundreds", channel=place.channel)
    await seen.wait(lambda one: OPEN in shown(one).buttons(), 30)
    offer = shown(seen)
    assert "`draw`" in offer.content
    for _ in range(2):
        turned = await place.ada.choose(offer, "More functions (300 in all)")
        offer = shown(turned)
    (select,) = (one for row in offer.components for one in row["components"] if "options" in one)
    assert len(select["options"]) == 25
    form = await place.ada.choose(offer, select["options"][0]["value"])
    assert form.modal is not None


async def test_a_space_without_functions_says_so(shared_lab, served: Callable[[str], str]) -> None:
    place, hosts, _ = shared_lab
    hosts.spaces["owner/frame"] = Hosted(served("picture_frame"))
    seen = await place.ada.command("run", space="owner/frame", channel=place.channel)
    await until(seen, "owner/frame has no function that can be used here.")


async def test_the_page_s_follow_ups_stand_under_its_results(
    shared_lab, served: Callable[[str], str]
) -> None:
    place, hosts, _ = shared_lab
    hosts.spaces["owner/if"] = Hosted(served("deepfloyd"))
    form = await form_of(place, "owner/if", wish="a teapot")
    result = await run_form(place, form, {})
    label = next(one for one in result.buttons() if one.startswith("Upscale to 256"))
    followed = await place.ada.click(result, label)
    await followed.wait(is_final, 30)
    assert "❌" not in shown(followed).content
    assert len(shown(followed).attachments) == 1
