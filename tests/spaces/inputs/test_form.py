"""All options of an endpoint together: Discord's limits, autocomplete, and the header."""

from __future__ import annotations

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from spacebot.models import Choice, Endpoint, File, OptionType, Parameter
from spacebot.spaces import inputs
from spacebot.spaces.inputs.components.menu import unique_labels
from spacebot.spaces.inputs.value_text import describe_value
from tests.spaces.inputs.test_inputs import attached, choices, data, endpoint, many, parameter


def text(name: str, **fields: object) -> Parameter:
    return parameter("textbox", name=name, option=name, **fields)


def test_required_options_come_first_and_the_order_stays() -> None:
    form = inputs.options(endpoint(text("a"), text("b", required=True), text("c")))
    assert [option.name for option in form.options] == ["b", "a", "c"]
    assert form.rest == ()


def test_what_has_no_default_stays_and_the_last_ones_go_to_the_form() -> None:
    optional = [text(f"o{number}") for number in range(30)]
    form = inputs.options(endpoint(*optional, text("needed", required=True)))
    assert [option.name for option in form.options] == ["needed", *(f"o{n}" for n in range(24))]
    assert [option.name for option in form.rest] == [f"o{n}" for n in range(24, 30)]


def test_choices_that_do_not_fit_are_suggested_instead() -> None:
    long = tuple(Choice(f"{number}" + "x" * 90, number) for number in range(20))
    lists = [parameter("dropdown", name=f"d{n}", option=f"d{n}", choices=long) for n in range(3)]
    whole = endpoint(*lists)
    form = inputs.options(whole)
    assert [bool(option.choices) for option in form.options] == [True, True, False]
    assert form.options[2].autocomplete
    assert inputs.suggest(whole, "d2", "1x")[0].label.startswith("1x")
    assert sum(map(inputs.option_size, form.options)) <= 8000


def test_subcommands_share_one_budget() -> None:
    whole = endpoint(*(text(f"o{number}", description="d" * 100) for number in range(20)))
    form = inputs.options(whole, budget=1000)
    assert len(form.options) == 9
    assert len(form.rest) == 11


def test_several_files_are_several_options() -> None:
    files = parameter("file", name="doc", option="doc", multiple=True, required=True)
    whole = endpoint(files, text("doc_3"))
    form = inputs.options(whole)
    names = [option.name for option in form.options]
    assert names == ["doc", "doc_2", "doc_4", "doc_5", "doc_3"]
    assert [option.type for option in form.options].count(OptionType.ATTACHMENT) == 4
    values = inputs.values(
        whole, {"doc_5": attached("z.txt"), "doc": attached("a.txt"), "doc_3": "text"}
    )
    assert values == {"doc": [data("a.txt"), data("z.txt")], "doc_3": "text"}


def test_constants_and_what_cannot_be_asked_for_are_sent_too() -> None:
    whole = endpoint(
        text("a"), parameter("state", name="s", default={"x": 1}), constants={"mode": "fast"}
    )
    assert inputs.values(whole, {"a": "hi", "more": True}) == {
        "a": "hi",
        "s": {"x": 1},
        "mode": "fast",
    }


def test_a_cleared_field_of_a_form_is_empty_only_where_that_can_be_meant() -> None:
    whole = endpoint(
        text("a", default="x"),
        parameter("number", name="n", option="n", default=4),
        parameter("checkboxgroup", name="g", option="g", default=["p"], choices=choices("p")),
    )
    assert inputs.values(whole, {"a": "", "n": "", "g": ""}) == {"a": "", "n": 4, "g": []}


VOICES = parameter("dropdown", choices=many(40))
GROUP = parameter("checkboxgroup", choices=(*many(40), Choice("Zoë, the first", "z")))

SUGGESTED = [
    (VOICES, "", ["Voice 0", "Voice 1"], 25),
    (VOICES, "39", ["Voice 39"], 1),
    (VOICES, "VOICE 1", ["Voice 1", "Voice 10"], 11),
    (VOICES, "nobody", [], 0),
    (parameter("dropdown", choices=choices("a"), custom=True), "ab", ["ab"], 1),
    (parameter("dropdown", choices=choices("xa", "ab")), "a", ["ab", "xa"], 2),
    (GROUP, "zoe", ["Zoë, the first"], 1),
    (GROUP, "voice 3, zoe, the", ["voice 3, Zoë, the first"], 1),
    (GROUP, "Zoë, the first; Voice 39", ["Zoë, the first, Voice 39"], 1),
    (GROUP, "Voice 3, ", ["Voice 3, Voice 0", "Voice 3, Voice 1"], 25),
    (parameter("checkboxgroup", choices=many(9), max_items=1), "Voice 1, ", ["Voice 1"], 1),
    (parameter("colorpicker"), "blue", ["blue", "blueviolet"], None),
    (parameter("textbox"), "x", [], 0),
]


@pytest.mark.parametrize(("one", "typed", "first", "count"), SUGGESTED)
def test_suggests(one: Parameter, typed: str, first: list[str], count: int | None) -> None:
    found = inputs.suggest(endpoint(one), "it", typed)
    assert [choice.label for choice in found][: len(first)] == first
    assert count is None or len(found) == count


LABELS = st.text(st.characters(exclude_categories=["Cs"]), max_size=130)


@settings(max_examples=150, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=30))
@example(["One", "One", ""])
def test_every_choice_leads_back_to_its_own_value(labels: list[str]) -> None:
    one = parameter("dropdown", choices=tuple(Choice(label, [n]) for n, label in enumerate(labels)))
    for label, choice in unique_labels(one.choices).items():
        assert 1 <= len(label) <= 100
        assert inputs.values(endpoint(one), {"it": label})["it"] == choice.value
        # The header and the recipe name the choice that ran.
        assert describe_value(one, label) == label


@settings(max_examples=150, deadline=None)
@given(st.lists(LABELS, min_size=1, max_size=30), st.data())
def test_every_suggested_list_leads_back_to_its_values(
    labels: list[str], drawn: st.DataObject
) -> None:
    shown = ["".join(ch for ch in label if ch not in ",;#") for label in labels]
    one = parameter(
        "checkboxgroup", choices=tuple(Choice(label, n) for n, label in enumerate(shown))
    )
    typed, picked = "", []
    for _ in range(4):
        offers = inputs.suggest(endpoint(one), "it", typed)
        if not offers:
            break
        choice = drawn.draw(st.sampled_from(offers))
        assert 1 <= len(choice.value) <= 100
        values = inputs.values(endpoint(one), {"it": choice.value})["it"]
        assert values[: len(picked)] == picked
        picked, typed = values, f"{choice.value}, "


TWINS = (Choice("Soft", 1), Choice("Soft", 2), Choice("Bold", 3))


def prompt(**fields: object) -> Endpoint:
    return endpoint(
        text("prompt", required=True),
        parameter("number", name="seed", option="seed"),
        parameter("textbox", name="key", option="key", secret=True),
        parameter("checkbox", name="hd", option="hd"),
        parameter("image", name="picture", option="picture", multiple=True),
        parameter("dropdown", name="model", option="model", choices=choices("Big one", "b")),
        parameter("checkboxgroup", name="looks", option="looks", choices=TWINS),
        **fields,
    )


def test_describes_the_entered_values_and_nothing_else() -> None:
    arguments = {
        "prompt": "piano\nmusic",
        "seed": 4.0,
        "key": "hunter2",
        "hd": True,
        "picture": File("cat.png"),
        "picture_2": File("dog.png"),
        "model": "big ONE",
        "looks": "bold, Soft (2)",
    }
    assert inputs.summarize(prompt(), arguments) == (
        "prompt: piano music · seed: 4 · key: ••• · hd: yes · picture: cat.png, dog.png"
        " · model: Big one · looks: Bold, Soft \\(2\\)"
    )
    assert inputs.summarize(prompt(), {}) == ""


HOSTILE = [
    ("@everyone", "@\u200beveryone"),
    ("<@123>", "\\<@\u200b123\\>"),
    ("**b** `c` [x](y)", "\\*\\*b\\*\\* \\`c\\` \\[x\\]\\(y\\)"),
    ("https://evil.example", "https:\u200b//evil.example"),
    ("discord.gg/abc", "discord.\u200bgg/abc"),
    ("a\u202eb", "ab"),
]


@pytest.mark.parametrize(("arguments", "shown"), HOSTILE)
def test_no_value_can_ping_link_or_format(arguments: str, shown: str) -> None:
    assert inputs.summarize(prompt(), {"prompt": arguments}) == f"prompt: {shown}"


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=400), st.integers(min_value=20, max_value=300))
def test_a_description_keeps_its_length_and_whole_marks(text: str, limit: int) -> None:
    line = inputs.summarize(prompt(), {"prompt": text}, limit)
    assert len(line) <= limit
    assert "\n" not in line
    assert not line.replace("\\\\", "").endswith("\\")


TITLES = [
    ({"prompt": "piano  music\n"}, "piano music"),
    ({"prompt": "word " * 40}, "word " * 18 + "word…"),
    ({"prompt": "x" * 200}, "x" * 99 + "…"),
    ({"prompt": "\u200b\u200b"}, "do"),
    ({"key": "hunter2"}, "do"),
    ({}, "do"),
]


@pytest.mark.parametrize(("arguments", "title"), TITLES)
def test_a_thread_is_named_by_the_main_text(arguments: dict[str, object], title: str) -> None:
    assert inputs.thread_title(prompt(), arguments) == title
