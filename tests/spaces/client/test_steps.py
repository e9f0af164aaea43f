"""A command runs the same steps as the page."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import gradio as gr
import pytest
from gradio_client.utils import QueueError
from PIL import Image

from spacebot.errors import SpaceBusy, SpaceError, SpaceRaised, SpaceSilent
from spacebot.models import Endpoint, EndpointStep, JobStage, Progress, Source
from spacebot.spaces.client import Connection, Network, Partial, Result, SpaceDescription
from spacebot.spaces.client.client import SpaceClient
from spacebot.spaces.client.steps import CallSequence
from spacebot.spaces.client.transport.event_stream import EventStream
from spacebot.spaces.schema import read_space
from tests.support.asking import ask, is_final, shown, until
from tests.support.conversations import Lab, lab


def picture(size: int) -> tuple[str, bytes]:
    """A red picture as an attachment."""
    held = io.BytesIO()
    Image.new("RGB", (size, size), "red").save(held, "PNG")
    return "red.png", held.getvalue()


def subcommands(home: Lab) -> dict[str, Any]:
    """The subcommands of /it, as Discord has them."""
    found = next(one for one in home.server.registered_commands if one["name"] == "it")
    return {one["name"]: one for one in found["options"]}


async def test_a_step_prepares_what_the_next_one_takes(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        arguments = {"picture": picture(8), "detail": 3}
        answer = await ask(home.ada, "it model", arguments, channel=home.channel)
        # Inverted red, what the session remembers, and what was requested.
        for part in ("0,", "255,", '"width": 8', '"detail": 3', "Prepared"):
            assert part in answer.content, answer.content
        (prepared,) = answer.attachments
        colour = Image.open(io.BytesIO(prepared.data)).convert("RGB").getpixel((0, 0))
        assert colour == (0, 255, 255)

        arguments = {"picture": picture(8), "invert": False}
        answer = await ask(home.ada, "it model", arguments, channel=home.channel)
        assert '"detail": 5' in answer.content

        # A step that fails ends the job with its own words.
        failed = await ask(home.ada, "it model", {"picture": picture(2)}, channel=home.channel)
        assert "The picture is too small." in failed.content


async def test_a_seed_is_drawn_as_on_the_page(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        fixed = {"prompt": "a cat", "seed": 7, "randomize_seed": False}
        answer = await ask(home.ada, "it draw", fixed, channel=home.channel)
        assert "a cat with 7" in answer.content
        answer = await ask(home.ada, "it draw", {"prompt": "a cat"}, channel=home.channel)
        seed = int(answer.content.partition("a cat with ")[2][:4])
        assert 1000 <= seed <= 9999
        assert f"Seed**: {seed}" in answer.content
        # A seed that the member sets is used, though the page's checkbox would draw another.
        given = {"prompt": "a cat", "seed": 7}
        answer = await ask(home.ada, "it draw", given, channel=home.channel)
        assert "a cat with 7" in answer.content


async def test_a_failure_s_step_answers_only_where_the_event_fails(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:

        async def recite(words: str) -> str:
            return (
                await ask(home.ada, "it recite", {"words": words}, channel=home.channel)
            ).content

        assert "CALM SEA" in (calm := await recite("Calm sea"))
        assert "calm sea" not in calm

        # The page sends the handler's other fields too, and shows why they are needed.
        storm = await recite("Sea of storm")
        assert "sea of storm at 3" in storm
        assert "The voice is lost." in storm

        # If the handler fails as well, the first failure's message stays.
        thunder = await recite("A thunderstorm")
        assert "The voice is lost." in thunder
        assert "Nothing can be heard." not in thunder


@pytest.mark.parametrize("trouble", [SpaceRaised("Nor this."), SpaceSilent("No answer.")])
async def test_a_failure_s_words_outlive_its_step_s_trouble(trouble: SpaceError):
    async def call(step: EndpointStep, _: Any) -> AsyncGenerator[Any, None]:
        yield Progress(JobStage.SENDING)
        raise SpaceRaised("The voice is lost.") if step.failing else trouble

    steps = [EndpointStep("/recite", failing=(EndpointStep("/whisper", shows=(0,)),))]
    calls = CallSequence(steps, call, lambda _, values: values, 1)
    with pytest.raises(SpaceRaised, match=r"The voice is lost\."):
        async for _ in calls.updates({}):
            pass


async def test_what_later_steps_show_belongs_to_the_answer(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:

        async def write(theme: str) -> str:
            return (await ask(home.ada, "it burn", {"words": theme}, channel=home.channel)).content

        sea = await write("Calm sea")
        for part in ("CALM SEA", '["CALM SEA"]', "The ink is dry.", "8 letters"):
            assert part in sea.replace("\n", "").replace("  ", ""), sea

        # A failure after the result is reported beside it.
        fire = await write("Fire")
        for part in ("FIRE", "The ink is dry.", "The paper burnt."):
            assert part in fire, fire

        # `.then` follows a failure too, `.success` does not.
        storm = await write("A storm")
        assert "The voice is lost." in storm
        assert "The ink is dry." in storm
        assert "Collected" not in storm
        assert "CALM" not in storm


async def test_a_failure_costs_nothing_that_earlier_steps_show(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:

        async def summarise(plot: str) -> str:
            asked = {"plot": plot}
            return (await ask(home.ada, "it summarise", asked, channel=home.channel)).content

        assert "In short: a story of the sea" in await summarise("the sea")
        storm = await summarise("a storm")
        for part in ("In short", "a story of a storm", "No summary today."):
            assert part in storm, storm

        # A seed alone is no answer.
        failed = await ask(home.ada, "it draw", {"prompt": "a void"}, channel=home.channel)
        assert "There is nothing to draw." in failed.content
        assert "Seed" not in failed.content


async def test_a_quota_or_a_cancel_costs_nothing_that_earlier_steps_show(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        dear = await ask(home.ada, "it summarise", plot="gold", channel=home.channel)
        assert "GPU quota" in dear.content
        assert "a story of gold" in dear.content
        # As on the page, what is there by now is seen while the next step runs.
        seen = await home.ada.command("it summarise", plot="a saga", channel=home.channel)
        running = await until(seen, "a story of a saga", seconds=60)
        await home.ada.click(running, "Cancel")
        await seen.wait(is_final, 60)
        assert "a story of a saga" in shown(seen).content
        assert "ancel" in shown(seen).content


@pytest.mark.parametrize("trouble", [SpaceSilent("No answer."), SpaceBusy("Full.")])
async def test_what_is_there_by_now_is_known_when_the_next_step_never_ends(trouble: SpaceError):
    async def call(step: EndpointStep, _: Any) -> AsyncGenerator[Any, None]:
        if step.api_name == "/slow":
            yield Partial(["half"])
            raise trouble
        yield Result([step.api_name])

    steps = [EndpointStep("/one", shows=(0,)), EndpointStep("/two", shows=(0,))]
    calls = CallSequence([*steps, EndpointStep("/slow")], call, lambda _, values: values, 1)
    updates = calls.updates({})
    seen = [await anext(updates) for _ in range(3)]
    with pytest.raises(type(trouble)):
        await anext(updates)
    nothing = {"__type__": "update"}
    assert seen == [
        Partial([nothing], ["/one"]),
        Partial([nothing], ["/one", "/two"]),
        Partial(["half"], ["/one", "/two"]),
    ]
    # The same of the steps after the endpoint, and of what these overwrite.
    after = [EndpointStep("/three", shows=(0,), overwrites={0: 0}), EndpointStep("/four")]
    calls = CallSequence([EndpointStep("/own")], call, lambda _, values: values, 1, after)
    seen = [update async for update in calls.updates({})]
    assert seen[:2] == [Partial(["/own"]), Partial(["/three"], ["/three"])]


async def test_an_answer_is_what_the_last_step_makes_of_it(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:

        async def sketch(subject: str) -> str:
            asked = {"subject": subject}
            return (await ask(home.ada, "it sketch", asked, channel=home.channel)).content

        tree = await sketch("a tree")
        assert "ink over sketch of a tree" in tree
        assert "patiently" in tree
        assert "quickly" not in tree
        # An output that a later step hides is not posted.
        assert "pencil" not in tree

        # A failing step leaves the earlier outputs, and says why it failed.
        rock = await sketch("a rock")
        for part in ("sketch of a rock", "quickly", "The ink ran out."):
            assert part in rock, rock
        assert "ink over" not in rock


async def test_steps_that_the_api_leaves_out_run_as_on_the_page(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        answer = await ask(home.ada, "it carve", wood="oak", channel=home.channel)
        assert "polished carved oak, signed" in answer.content
        # A failure does not start what `.success` starts.
        answer = await ask(home.ada, "it carve", wood="stone", channel=home.channel)
        assert "The knife is blunt." in answer.content
        assert "polished" not in answer.content
        answer = await ask(home.ada, "it saw", log=3, channel=home.channel)
        assert "6 planks" in answer.content
        commands = subcommands(home).keys()
        assert {"carve", "saw"} <= commands
        assert not {one for one in commands if "polish" in one or "step" in one}


async def test_an_upload_that_only_sets_what_nobody_sees_is_offered(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:

        async def search(asked: str, *book: bytes) -> str:
            file = {"path": ("book.txt", book[0])} if book else {}
            arguments = {"asked": asked, **file}
            return (await ask(home.ada, "it search", arguments, channel=home.channel)).content

        # As on the page, it is optional, its failure fails the job, and it is remembered.
        assert "no book" in await search("sea")
        assert "The book is empty." in await search("sea", b"")
        assert "the calm sea" in await search("sea", b"a storm\nthe calm sea")
        assert "a storm" in await search("storm")
        # As the only option, it is required.
        sing = {"sheet": ("sheet.txt", b"do re mi")}
        answer = await ask(home.ada, "it sing", sing, channel=home.channel)
        assert "la do re mi" in answer.content
        (option,) = subcommands(home)["sing"]["options"]
        assert option["required"]


def test_what_is_filled_in_stays_as_it_was_used():
    with gr.Blocks(analytics_enabled=False) as page:
        text, seed = gr.Textbox(label="Text"), gr.Slider(0, 9, 1, label="Seed")
        drawn, told = gr.Textbox(label="Drawn"), gr.Textbox(label="Told", interactive=False)
        went = gr.Button("Go").click(
            lambda one, two: ("", two, one, one), [text, seed], [text, seed, drawn, told],
            api_name="draw",
        )  # fmt: skip
        went.then(lambda one: one + 1, seed, seed, api_name="next_seed")
        went.then(lambda: "", None, text, api_name="clear")
        went.then(lambda: ("done", None), None, [told, drawn], api_name="finish")
    (step,) = command(page, "/draw").after
    assert (step.api_name, step.overwrites) == ("/finish", {0: 3, 1: 2})


def test_what_a_step_made_and_a_later_one_changes_is_shown_as_it_is_then():
    with gr.Blocks(analytics_enabled=False) as page:
        text, info = gr.Textbox(label="Text"), gr.Textbox(label="Info")
        parts = gr.File(label="Parts")
        went = gr.Button("Go").click(lambda one: one, text, info, api_name="read")
        changed = went.then(lambda one: one, info, info, api_name="polish")
        changed.then(lambda one: one, info, parts, api_name="bundle")
    found = command(page, "/bundle")
    assert [(one.api_name, one.shows) for one in found.before] == [("/read", ()), ("/polish", (0,))]
    assert [one.label for one in found.outputs] == ["Parts", "Info"]


async def test_what_a_page_may_leave_empty_is_optional(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        answer = await ask(home.ada, "it look", {"picture": picture(8)}, channel=home.channel)
        assert "caption: 8 wide" in answer.content
        # If the Space refuses, the message names what was left empty.
        refused = await ask(home.ada, "it look", {"picture": picture(2)}, channel=home.channel)
        assert "There is too little to see." in refused.content
        assert "Left empty: `question`." in refused.content


async def test_then_follows_a_step_that_fails_too(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:

        async def play(pitch: float) -> str:
            return (await ask(home.ada, "it play", {"pitch": pitch}, channel=home.channel)).content

        assert "played 4" in await play(8)
        tight = await play(20)
        assert "played 20" in tight
        assert "No string is that tight." in tight
        # The first failure is reported.
        assert "No string is that tight." in await play(100)


async def test_a_check_refuses_before_anything_is_made(served):
    async with Network() as network:
        said: list[SpaceDescription] = []
        connection = Connection(Source(served("chained")), network, changed=said.append)
        await connection.ready()
        space = read_space(connection.source, said[0].config, said[0].info)
        model = next(one for one in space.endpoints if one.api_name == "/model")
        assert [step.api_name for step in model.before] == ["/check", "/prepare"]
        updates = connection.run(
            *("/model", {"picture": None, "invert": True, "detail": 5}),
            **{"key": "ada", "stateful": True, "before": model.before},
        )
        with pytest.raises(SpaceRaised, match=r"No picture was given\."):
            [update async for update in updates]
        await connection.close()


def test_what_only_a_failure_starts_is_no_command():
    with gr.Blocks(analytics_enabled=False) as page:
        asked, told, log = gr.Textbox(label="Asked"), gr.Textbox(label="Told"), gr.State([])
        went = gr.Button("Go").click(lambda one: one, asked, told, api_name="answer")
        went.failure(lambda one: (one, []), asked, [told, log], api_name="remember").success(
            lambda one: one, log, told, api_name="apologise"
        )
        went.failure(lambda one: one, asked, asked, api_name="restore")
        went.success(lambda one: one, told, told, api_name="rejoice")
    space = read_space(Source("x/y"), page.get_config_file(), page.get_api_info())
    (found,) = space.endpoints
    assert found.api_name == "/answer"
    assert [step.api_name for step in found.failing] == ["/remember", "/apologise"]
    why = {one.api_name: one.reason for one in space.excluded}
    for name in ("/remember", "/apologise", "/restore"):
        assert why[name] == "the page runs it only where another event fails"


def command(page: gr.Blocks, api_name: str) -> Endpoint:
    """The endpoint made from a page's event."""
    space = read_space(Source("x/y"), page.get_config_file(), page.get_api_info())
    return next(one for one in space.endpoints if one.api_name == api_name)


def test_one_field_that_is_taken_twice_is_asked_for_once():
    with gr.Blocks(analytics_enabled=False) as page:
        arguments, ready, told = gr.Image(label="Given"), gr.Image(label="Ready"), gr.JSON()
        went = gr.Button("Go").click(lambda one: one, arguments, ready, api_name="prepare")
        went.then(lambda one, two: [one, two], [ready, ready], told, api_name="compare")
    found = command(page, "/compare")
    assert [one.label for one in found.parameters] == ["Given"]
    assert [step.api_name for step in found.before] == ["/prepare"]


async def test_one_field_that_is_taken_twice_is_sent_twice(served, tmp_path: Path):
    async with lab(tmp_path, it=served("chained")) as home:
        assert len(subcommands(home)["mirror"]["options"]) == 1
        answer = await ask(home.ada, "it mirror", one="sea", channel=home.channel)
        assert "sea and sea" in answer.content
        # The step before it fills the field for both.
        answer = await ask(home.ada, "it twins", words="ash", channel=home.channel)
        assert "ASH and ASH" in answer.content


@pytest.mark.parametrize(
    ("fixed", "options", "said"),
    [
        ({"two": "fog"}, ["one"], "sea and fog"),
        ({"one": "fog"}, [], "fog and fog"),
        ({"one": "fog", "two": "ice"}, [], "fog and ice"),
    ],
)
async def test_a_setting_may_fix_either_place_of_a_field_that_is_taken_twice(
    served, fixed: dict[str, str], options: list[str], said: str
):
    async with Network() as network:
        source = Source(served("chained"), "/mirror", fixed=fixed)
        connection = Connection(source, network)
        await connection.ready()
        told = connection.description
        (found,) = read_space(source, told.config, told.info).endpoints
        assert [one.name for one in found.parameters] == options
        sent = {**found.constants, **dict.fromkeys(options, "sea")}
        running = connection.run("/mirror", sent, key="ada", stateful=False)
        updates = [update async for update in running]
        assert updates[-1] == Result([said])
        await connection.close()


@pytest.mark.parametrize("has_button", [True, False])
def test_what_an_example_or_another_button_puts_in_is_no_step(has_button: bool):
    with gr.Blocks(analytics_enabled=False) as page:
        mood, prompt, drawn = gr.Textbox(label="Mood"), gr.Textbox(label="Prompt"), gr.Image()
        if has_button:
            surprised = gr.Button("Surprise").click(lambda one: one, mood, prompt, api_name="any")
            surprised.then(lambda one: one, prompt, drawn, api_name="draw")
            gr.Button("Draw").click(lambda one: one, prompt, drawn, api_visibility="private")
        else:
            examples = gr.Dataset(components=["textbox"], samples=[["a cat"]])
            put = examples.click(lambda one: one, examples, prompt, api_name="put")
            put.then(lambda one: one, prompt, drawn, api_name="draw")
    found = command(page, "/draw")
    assert [one.label for one in found.parameters] == ["Prompt"]
    assert not found.before


@asynccontextmanager
async def drawing(address: str) -> AsyncIterator[tuple[Connection, Endpoint]]:
    """The Space of chains, and its endpoint that draws a seed first."""
    said: list[SpaceDescription] = []
    async with Network() as network:
        connection = Connection(Source(address), network, changed=said.append)
        try:
            await connection.ready()
            space = read_space(connection.source, said[0].config, said[0].info)
            yield connection, next(one for one in space.endpoints if one.api_name == "/draw")
        finally:
            await connection.close()


async def drawn(
    connection: Connection, endpoint: Endpoint, recall: asyncio.Event | None = None
) -> list[Any]:
    """Draw, and recall the job as soon as it starts; returns the outcome."""
    values = {"prompt": "a cat", "seed": 7, "randomize_seed": False}
    updates = connection.run(
        *(endpoint.api_name, values), key="ada", stateful=False, before=endpoint.before,
        recall=recall,
    )  # fmt: skip
    result: list[Any] = []
    async for update in updates:
        if recall and isinstance(update, Progress) and update.stage is JobStage.RUNNING:
            recall.set()
        if isinstance(update, Result):
            result = update.outputs
    return result


async def test_a_step_comes_after_the_one_before_has_left(served, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    join, end = SpaceClient._join, EventStream.end

    def joined(*asked: Any) -> str:
        order.append("joined")
        return join(*asked)

    async def ended(stream: EventStream) -> None:
        await end(stream)
        await asyncio.sleep(0.2)
        order.append("left")

    monkeypatch.setattr(SpaceClient, "_join", joined)
    monkeypatch.setattr(EventStream, "end", ended)
    async with drawing(served("chained")) as (connection, endpoint):
        assert await drawn(connection, endpoint) == ["a cat with 7"]
        assert order[:3] == ["joined", "left", "joined"]


async def test_a_step_that_has_run_is_not_run_again(served, monkeypatch: pytest.MonkeyPatch):
    async with drawing(served("chained")) as (connection, endpoint):
        assert endpoint.before
        # Not because others wait …
        assert await drawn(connection, endpoint, asyncio.Event()) == ["a cat with 7"]

        # … and not if the next job finds no room.
        join, joined = SpaceClient._join, []

        def full(client: SpaceClient, index: int, *asked: Any) -> str:
            joined.append(index)
            if len(joined) > 1:
                raise QueueError("Queue is full!")
            return join(client, index, *asked)

        monkeypatch.setattr(SpaceClient, "_join", full)
        with pytest.raises(SpaceBusy) as caught:
            await drawn(connection, endpoint)
        assert not caught.value.safe_to_retry
        assert len(set(joined)) == 2
