"""Each Gradio version's recorded description of one app (`tests/versions`): the same commands.

`make test-versions` tries the real servers.
"""

from __future__ import annotations

import base64
import copy
import json
from typing import Any

import pytest
from PIL import Image

from spacebot.errors import InputError, SpaceUnavailable
from spacebot.models import Source, Space
from spacebot.spaces.client.legacy.describe import LEGACY_PROTOCOL, present_config, present_info
from spacebot.spaces.client.legacy.values import (
    as_described,
    empty_mask,
    from_legacy,
    mark_files,
    to_legacy,
)
from spacebot.spaces.schema import read_space
from tests.versions.record import RECORDED

SAID = json.loads(RECORDED.read_text())
PRESENT = "6.31.0"
META = {"meta": {"_type": "gradio.FileData"}}
PIXEL = "data:image/png;base64," + base64.b64encode(b"a pixel").decode()


def space(version: str) -> Space:
    """The commands of the app in one version."""
    said = copy.deepcopy(SAID[version])
    config = present_config(said["config"])
    return read_space(Source("lab/app"), config, present_info(config, said["info"]))


def looks(space: Space) -> dict[str, Any]:
    """The parts of the commands that a person sees."""
    return {
        one.api_name: (
            one.name,
            [(p.name, p.option, p.component, p.required, p.choices) for p in one.parameters],
            [output.component for output in one.outputs],
            one.stateful,
            one.takes_history,
            one.page and (one.page.late, one.page.depends, [e.on_load for e in one.page.events]),
        )
        for one in space.endpoints
    }


@pytest.mark.parametrize("version", [version for version in SAID if version != PRESENT])
def test_every_version_gives_the_commands_of_the_present_one(version: str):
    assert looks(space(version)) == looks(space(PRESENT))


@pytest.mark.parametrize("version", SAID)
def test_defaults_are_the_components_own(version: str):
    greet = next(one for one in space(version).endpoints if one.name == "greet")
    defaults = {one.name: one.default for one in greet.parameters}
    assert defaults == {"name": "", "count": 2, "loud": False, "style": "Hello"}


@pytest.mark.parametrize("version", SAID)
def test_what_a_button_s_script_sets_is_sent_and_not_asked_for(version: str):
    stamp = next(one for one in space(version).endpoints if one.name == "stamp")
    assert [one.name for one in stamp.parameters] == ["text"]
    assert stamp.constants == {"kind": "final"}


@pytest.mark.parametrize("version", [v for v in SAID if v not in ("3.2",)])
def test_a_stream_is_known_as_one(version: str):
    streams = {one.name for one in space(version).endpoints if one.streams}
    # 3.16 does not say which functions stream; their results are still shown.
    assert streams == (set() if version == "3.16.2" else {"count", "wait"})


@pytest.mark.parametrize("version", [v for v in SAID if v[0] in "34"])
def test_a_chat_of_gradio_3_and_4_holds_pairs(version: str):
    config = present_config(copy.deepcopy(SAID[version]["config"]))
    (chatbot,) = [part for part in config["components"] if part["type"] == "chatbot"]
    assert chatbot["props"]["type"] == "tuples"


def legacy(**event: Any) -> dict[str, Any]:
    """A small config of Gradio 3, with one event of a button "Do it!"."""
    parts = [
        {"id": 1, "type": "textbox", "props": {"label": "A Text (long)", "value": "x"}},
        {"id": 2, "type": "textbox", "props": {"label": "A text (long)"}},
        {"id": 3, "type": "variable", "props": {}},
        {"id": 4, "type": "button", "props": {"value": "Do it!"}},
    ]
    common = {"targets": [4], "trigger": "click", "inputs": [1, 2, 3], "outputs": [2]}
    return {
        "version": "3.20.1\n",
        "components": parts,
        "dependencies": [{**common, "backend_fn": True, **event}],
    }


def test_an_endpoint_without_a_name_is_named_by_its_button():
    config = present_config(legacy(api_name=None))
    info = present_info(config, None)
    entry = info["named_endpoints"]["/do_it"]
    assert [one["parameter_name"] for one in entry["parameters"]] == [
        "a_text_long",
        "a_text_long_1",
    ]
    assert [one["parameter_default"] for one in entry["parameters"]] == ["x", None]


def test_two_events_of_one_button_have_two_names():
    config = legacy(api_name=None)
    config["dependencies"].append({**config["dependencies"][0], "trigger_after": 0, "targets": []})
    named = present_info(present_config(config), None)["named_endpoints"]
    assert list(named) == ["/do_it", "/do_it_1"]


@pytest.mark.parametrize("event", [{"api_name": False}, {"backend_fn": False}])
def test_what_is_no_endpoint_is_none(event: dict[str, Any]):
    assert not present_info(present_config(legacy(**event)), None)["named_endpoints"]


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"version": "3.0.26", "dependencies": [], "components": []}, "Gradio 3.0.26,"),
        ({"version": "3.1.7\n", "dependencies": [], "components": []}, "Gradio 3.1.7,"),
        ({"input_components": [], "allow_flagging": "manual"}, "Gradio 2,"),
    ],
)
def test_what_is_too_old_says_so(config: dict[str, Any], named: str):
    with pytest.raises(SpaceUnavailable, match="too old for this bot") as caught:
        present_config(config)
    assert named in str(caught.value)
    assert not caught.value.worth_retrying


def test_a_present_description_stays_as_it_is():
    said = SAID[PRESENT]
    config = present_config(copy.deepcopy(said["config"]))
    assert config == said["config"]
    assert present_info(config, copy.deepcopy(said["info"])) == said["info"]
    assert config.get("protocol") != LEGACY_PROTOCOL


PICTURE = {"path": "file.png", "url": PIXEL, "mime_type": "image/png", **META}
STORED = {"name": "/tmp/a.wav", "data": None, "is_file": True, "orig_name": "a.wav", "size": 3}
FOUND = {"path": "/tmp/a.wav", "orig_name": "a.wav", "size": 3, **META}


@pytest.mark.parametrize(
    ("component", "old", "present"),
    [
        ("image", PIXEL, PICTURE),
        ("image", {"image": PIXEL, "mask": PIXEL}, PICTURE),
        ("image", "/tmp/a.png", {"path": "/tmp/a.png", **META}),
        ("audio", STORED, FOUND),
        ("file", [STORED, STORED], [FOUND, FOUND]),
        ("video", [STORED, None], FOUND),
        ("video", STORED, FOUND),
        ("gallery", [[STORED, "hi"], STORED, PIXEL], [
            {"image": FOUND, "caption": "hi"}, {"image": FOUND, "caption": None},
            {"image": PICTURE, "caption": None}]),
        ("highlightedtext", [["a", "x"]], [{"token": "a", "class_or_confidence": "x"}]),
        ("annotatedimage", [STORED, [[STORED, "cat"]]], {
            "image": FOUND, "annotations": [{"image": FOUND, "label": "cat"}]}),
        ("chatbot", [["hi", STORED]], [["hi", FOUND]]),
        ("image", {"__type__": "update", "value": PIXEL}, {"__type__": "update", "value": PICTURE}),
        ("image", {"__type__": "update", "visible": True}, {"__type__": "update", "visible": True}),
        # Undocumented fields stay unchanged.
        ("gallery", 3, 3),
        ("highlightedtext", "text", "text"),
        ("json", {"name": "Ada", "data": [1]}, {"name": "Ada", "data": [1]}),
        ("image", None, None),
    ],
)  # fmt: skip
def test_what_gradio_3_gives_is_read_as_a_present_value(component: str, old: Any, present: Any):
    assert from_legacy(old, component) == present


def part(kind: str, **props: Any) -> dict[str, Any]:
    """A component of a config."""
    return {"type": kind, "props": props}


def test_gradio_3_is_sent_its_own_writing():
    parts = [*map(part, ("image", "audio", "file", "json"))]
    assert to_legacy([PICTURE, FOUND, [FOUND], "text"], parts) == (PIXEL, STORED, [STORED], "text")
    tokens = [{"token": "a", "class_or_confidence": "x"}]
    assert to_legacy([tokens], [part("highlightedtext")]) == ([["a", "x"]],)
    # A value that a Space put in place of a part goes back unchanged.
    other = [{"path": 1}, ["b", "y"]]
    assert to_legacy([other], [part("highlightedtext")]) == (other,)


def test_a_sketch_has_an_empty_mask(tmp_path):
    Image.new("RGB", (3, 2), (9, 9, 9)).save(tmp_path / "a.png")
    body = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    picture = {**PICTURE, "url": f"data:image/png;base64,{body}"}
    (sent,) = to_legacy([picture], [part("image", tool="sketch", source="upload")])
    assert sent == {"image": picture["url"], "mask": empty_mask(picture["url"])}


def test_a_sketch_of_too_many_pixels_is_told_and_not_copied(tmp_path):
    Image.new("1", (9000, 9000)).save(tmp_path / "a.png")
    body = base64.b64encode((tmp_path / "a.png").read_bytes()).decode()
    picture = {**PICTURE, "url": f"data:image/png;base64,{body}"}
    with pytest.raises(InputError, match="The picture has 81 megapixels"):
        to_legacy([picture], [part("image", tool="sketch", source="upload")])


def test_files_of_the_first_4s_are_known_as_files():
    bare = {"path": "/tmp/a.wav", "url": None, "size": 3, "orig_name": "a.wav", "mime_type": None}
    assert mark_files([bare, {"image": bare}, "text"]) == [
        {**bare, **META},
        {"image": {**bare, **META}},
        "text",
    ]


def test_a_video_comes_with_subtitles_where_its_schema_says_so():
    schema = {"properties": {"video": {}, "subtitles": {}}}
    assert as_described(FOUND, schema) == {"video": FOUND, "subtitles": None}
    assert as_described(FOUND, {"properties": {"path": {}}}) == FOUND
    assert as_described(None, schema) is None
