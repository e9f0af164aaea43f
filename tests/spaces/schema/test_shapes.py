"""The commands of the recorded apps are the reviewed ones, and Discord accepts them."""

import json
import warnings
from typing import Any

import gradio as gr
import pytest

from spacebot.errors import EndpointGone, SettingsError
from spacebot.models import AnswerPlace, Endpoint, Source, Space
from spacebot.spaces.schema import read_space
from tests.shapes.record import COMMANDS, RECORDED
from tests.shapes.snapshot import commands

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.13 drops.
    warnings.simplefilter("ignore", DeprecationWarning)
    from discord.app_commands.commands import validate_name

SHAPES: dict[str, Any] = json.loads(RECORDED.read_text())


def read(name: str, **changes: Any) -> Space:
    shape = SHAPES[name]
    return read_space(Source(**shape["source"] | changes), shape["config"], shape["info"])


def endpoint(name: str, api_name: str, **changes: Any) -> Endpoint:
    return next(e for e in read(name, **changes).endpoints if e.api_name == api_name)


def test_the_commands_are_the_reviewed_ones():
    assert commands(SHAPES) == COMMANDS.read_text(), "run: python -m tests.shapes.record commands"


def test_there_are_at_least_forty_apps():
    assert len(SHAPES) >= 40


@pytest.mark.parametrize("name", SHAPES)
def test_discord_takes_every_name_and_description(name: str):
    space = read(name)
    names = [e.name for e in space.endpoints]
    assert (
        sum(not one.further for one in space.endpoints)
        + any(one.further for one in space.endpoints)
        <= 25
    )
    assert len(set(names)) == len(names)
    for found in space.endpoints:
        options = [p.option for p in found.parameters]
        assert len(set(options)) == len(options)
        assert 1 <= len(found.description) <= 100
        for legal in (space.name, found.name, *options):
            assert validate_name(legal) == legal


@pytest.mark.parametrize("name", SHAPES)
def test_every_endpoint_is_offered_or_left_out_with_a_reason(name: str):
    space, named = read(name, endpoint=None, fixed={}), SHAPES[name]["info"]["named_endpoints"]
    told = [e.api_name for e in space.endpoints] + [left.api_name for left in space.excluded]
    assert sorted(told) == sorted(named)
    assert all(left.reason for left in space.excluded)


@pytest.mark.parametrize("name", SHAPES)
def test_names_do_not_depend_on_the_order_of_the_description(name: str):
    shape = SHAPES[name]
    named = shape["info"]["named_endpoints"]
    turned = {"named_endpoints": dict(reversed(named.items()))}
    source = Source(**shape["source"])
    space = read_space(source, shape["config"], turned)
    kept = {e.api_name for e in space.endpoints} & {e.api_name for e in read(name).endpoints}
    before = {e.api_name: e.name for e in read(name).endpoints if e.api_name in kept}
    assert {e.api_name: e.name for e in space.endpoints if e.api_name in kept} == before


@pytest.mark.parametrize("name", SHAPES)
def test_every_parameter_of_the_api_is_asked_for_or_sent(name: str):
    for found in read(name).endpoints:
        described = SHAPES[name]["info"]["named_endpoints"][found.api_name]["parameters"]
        known = [p.name for p in found.parameters] + list(found.constants)
        taken = {key for step in (*found.before, *found.after) for key in step.takes.values()}
        wanted = {p["parameter_name"] for p in described} | taken
        assert sorted(known) == sorted(wanted)


def test_an_endpoint_that_is_gone_is_told_with_what_there_is():
    with pytest.raises(EndpointGone) as caught:
        read("utilities", endpoint="/txt2img")
    assert str(caught.value).startswith("someone/utilities has no /txt2img. It has `/generate`, ")


def test_a_fixed_value_that_fits_no_input_is_told_with_what_there_is():
    with pytest.raises(SettingsError, match=r"no input named width\. It has colours, image, "):
        read("typed_choices", fixed={"width": 3})


def test_a_fixed_value_may_go_by_the_name_that_people_see():
    found = endpoint("star_arguments", "/process", fixed={"rows": 5})
    assert found.constants == {"param_1": 5}
    assert "rows" not in [p.option for p in found.parameters]


def test_a_name_in_use_gives_way():
    shape = SHAPES["musicgen"]
    source = Source("a/musicgen")
    space = read_space(source, shape["config"], shape["info"], taken={"musicgen"})
    assert space.name == "musicgen_2"
    source = Source("a/tools", endpoint="/predict", name="tools")
    assert read_space(source, shape["config"], shape["info"], taken={"x"}).name == "tools"


def test_what_the_owner_wrote_is_carried_through():
    found = endpoint(
        "musicgen", "/predict", answer=AnswerPlace.THREAD, repeatable=True, description="Music!"
    )
    assert (found.answer, found.repeatable) == (AnswerPlace.THREAD, True)
    assert found.description == "Music!"


def test_chats_remember_and_tell_which_input_is_their_history():
    assert endpoint("chat_interface", "/answer").stateful
    assert endpoint("respond_with_history", "/respond").takes_history == "chat_history"
    assert endpoint("user_then_bot", "/bot").parameters[0].required


def test_an_older_app_whose_config_does_not_say_what_the_api_skips():
    shape = json.loads(json.dumps(SHAPES["session_state"]))
    for part in shape["config"]["components"]:
        del part["skip_api"]
    shape["info"]["named_endpoints"]["/talk"]["parameters"].append(
        {"label": "Made up", "parameter_name": "extra", "component": "Nowhere", "type": {}}
    )
    space = read_space(Source("a/b"), shape["config"], shape["info"])
    assert space.excluded[0].reason.startswith("it needs “Made up”")


def test_an_app_that_describes_itself_without_components_still_gives_commands():
    """The client's copy of an API description, if `/config` adds nothing."""
    info = SHAPES["typed_choices"]["info"]
    found = read_space(Source("a/b"), {}, info | {"unnamed_endpoints": {}}).endpoints[0]
    assert [p.component for p in found.parameters] == [
        "image", "dropdown", "checkboxgroup", "dropdown", "dropdown",
    ]  # fmt: skip
    assert [c.value for c in found.parameters[1].choices] == [256, 1024]


def test_typed_api_functions_ask_for_whole_numbers_where_the_type_says_so():
    whole, real, *_ = endpoint("typed_api", "/add").parameters
    assert (whole.precision, real.precision) == (0, None)


def test_an_output_that_picks_knows_the_labels_of_its_values():
    shape = json.loads(json.dumps(SHAPES["typed_choices"]))
    picks = shape["config"]["components"]
    event = shape["config"]["dependencies"][0]
    event["outputs"] = [next(part["id"] for part in picks if part["type"] == "dropdown")]
    shape["info"]["named_endpoints"]["/resize"]["returns"][0]["component"] = "Dropdown"
    found = read_space(Source("a/b"), shape["config"], shape["info"]).endpoints[0]
    assert found.outputs[0].props["choices"] == [["Small", 256], ["Large", 1024]]


def test_only_an_output_that_stays_hidden_is_told_so():
    with gr.Blocks(analytics_enabled=False) as page:
        kind, asked = gr.Radio(["a", "b"], value="a"), gr.Textbox()
        shown, where, other = gr.Image(), gr.Textbox(visible=False), gr.Textbox(visible=False)
        kind.change(lambda one: gr.Textbox(visible=one == "b"), kind, other)
        gr.Button("Go").click(
            lambda kind, asked: (None, "", ""), [kind, asked], [shown, where, other], api_name="go"
        )
    (found,) = read_space(Source("x/y"), page.get_config_file(), page.get_api_info()).endpoints
    assert [one.props.get("visible") for one in found.outputs] == [None, False, None]


def relabelled(name: str, language: str) -> dict[str, Any]:
    """A shape whose labels, hints and placeholders say nothing but a number in a language."""
    shape = json.loads(json.dumps(SHAPES[name]))
    known: dict[str, str] = {}

    def said(holder: dict[str, Any], key: str) -> None:
        if isinstance(text := holder.get(key), str) and text:
            holder[key] = known.setdefault(text, f"{language} {len(known)}")

    for part in shape["config"]["components"]:
        for key in ("label", "info", "placeholder"):
            said(part["props"], key)
    for entry in shape["info"]["named_endpoints"].values():
        for value in (*entry["parameters"], *entry["returns"]):
            said(value, "label")
    return shape


def asked(shape: dict[str, Any]) -> dict[str, dict[str, bool]]:
    """Whether each parameter of each endpoint is required, by their names."""
    space = read_space(Source(**shape["source"]), shape["config"], shape["info"])
    return {e.api_name: {p.name: p.required for p in e.parameters} for e in space.endpoints}


@pytest.mark.parametrize("language", ["标签", "Étiquette"])
@pytest.mark.parametrize("name", SHAPES)
def test_required_inputs_are_the_same_in_every_language(name: str, language: str):
    assert asked(relabelled(name, language)) == asked(SHAPES[name])


def ask_in(label: str, hint: str, answer: str) -> dict[str, Any]:
    with gr.Blocks() as app:
        picture, text, said = (
            gr.Image(label=label),
            gr.Textbox(label=hint),
            gr.Textbox(label=answer),
        )
        gr.Button("→").click(lambda *_: "", [picture, text], said, api_name="ask")
    return {"source": {"space": "a/b"}, **read_from(app)}


def read_from(app: gr.Blocks) -> dict[str, Any]:
    return {"config": app.get_config_file(), "info": app.get_api_info(all_endpoints=False)}


@pytest.mark.parametrize(
    "labels",
    [
        ("Image", "Question", "Answer"),
        ("图片", "问题", "回答"),
        ("Image", "Consigne", "Réponse"),
        ("画像", "指示", "答え"),
    ],
)
def test_a_question_to_a_picture_is_optional_in_every_language(labels: tuple[str, str, str]):
    assert list(asked(ask_in(*labels))["/ask"].values()) == [True, False]
