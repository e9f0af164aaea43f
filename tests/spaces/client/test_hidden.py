"""What a page does not show: endpoints off its API page, parts never rendered, private files."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from PIL import Image

from spacebot.engine.catalogue import Catalogue
from spacebot.models import Source
from spacebot.spaces.client import Network
from spacebot.spaces.client.files.files import FileFetcher
from tests.support.apps import serve
from tests.support.asking import ask
from tests.support.bot_in_loop import described
from tests.support.conversations import lab


def app() -> gr.Blocks:
    with gr.Blocks(analytics_enabled=False) as blocks:
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Out")
        gr.Button("Shout").click(str.upper, text, out, api_name="shout")
        gr.Button("Secret").click(
            str.lower, text, out, api_name="whisper", api_visibility="undocumented"
        )
    return blocks


async def test_an_undocumented_endpoint_is_a_command_where_the_owner_names_it(
    tmp_path: Path,
) -> None:
    with serve(app()) as url:
        async with Network() as network:
            sources = [Source(url, "/whisper", "whisper"), Source(url, name="tools")]
            catalogue = Catalogue(sources, network, folder=tmp_path)
            await catalogue.start()
            await described(catalogue)
            named, whole = catalogue.spaces
            await catalogue.close()
    assert [endpoint.api_name for endpoint in named.endpoints] == ["/whisper"]
    assert [endpoint.api_name for endpoint in whole.endpoints] == ["/shout"]
    assert [left.reason for left in whole.excluded] == [
        "its author keeps it out of the app's API page"
    ]


async def test_a_part_that_is_not_on_the_page_costs_the_space_nothing(tmp_path: Path) -> None:
    with gr.Blocks(analytics_enabled=False) as blocks:
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Out")
        lost = gr.Code(render=False)
        gr.Button("Shout").click(str.upper, text, out, api_name="shout")
        gr.Button("Lose").click(lambda one: (one, one), text, [out, lost], api_name="lose")
    with serve(blocks) as url:
        async with lab(tmp_path, it=url) as home:
            said = await ask(home.ada, "it", {"text": "hello"}, channel=home.channel)
            assert "HELLO" in said.content


async def test_files_have_an_address_only_where_anyone_can_open_it(tmp_path: Path) -> None:
    Image.new("RGB", (4, 4)).save(tmp_path / "a.png")
    with serve(app(), allowed_paths=[str(tmp_path)]) as url:
        async with Network() as network:
            data = {"path": str(tmp_path / "a.png"), "meta": {"_type": "gradio.FileData"}}
            root = f"{url}/gradio_api/"
            for linked in (True, False):
                fetcher = FileFetcher(network, root, {}, linked=linked)
                (file,) = await fetcher.localize([data], tmp_path, cap=10_000)
                assert file.path is not None
                assert bool(file.url) is linked
