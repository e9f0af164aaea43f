"""Every kind of input: its options, the values it accepts, and its errors."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spacebot.errors import InputError
from spacebot.models import Choice, Endpoint, File, OptionType, Parameter, Upload
from spacebot.spaces import inputs
from spacebot.spaces.inputs.registry import input_for


def parameter(component: str, **fields: Any) -> Parameter:
    usual: dict[str, Any] = {"name": "it", "label": "It", "option": "it", "component": component}
    return Parameter(**(usual | fields))


def endpoint(*parameters: Parameter, **fields: Any) -> Endpoint:
    usual: dict[str, Any] = {"space": "a/b", "api_name": "/do", "name": "do", "description": "Does"}
    return Endpoint(**(usual | fields), parameters=parameters)


def sent(one: Parameter, arguments: Any, **fields: Any) -> Any:
    return inputs.values(endpoint(one, **fields), {"it": arguments})["it"]


def attached(name: str, **fields: Any) -> File:
    return File(name, path=Path("/tmp") / name, folder=Path("/tmp"), **fields)


def data(name: str) -> Upload:
    return Upload(Path("/tmp") / name, Path("/tmp"), name)


def choices(*values: Any) -> tuple[Choice, ...]:
    return tuple(Choice(str(value), value) for value in values)


def many(count: int) -> tuple[Choice, ...]:
    return tuple(Choice(f"Voice {number}", number) for number in range(count))


def table(headers: list[str], rows: list[list[Any]]) -> dict[str, Any]:
    return {"headers": headers, "data": rows, "metadata": None}


# A table of the Space's own, as its author made it.
HEADS, BLANK = ["Name", "Age", "Member"], ["Bob", None, None]
PEOPLE = parameter("dataframe", props={"headers": HEADS, "datatype": ["str", "number", "bool"]})


DIGITS = parameter("slider", minimum=0, maximum=2**64, step=1)
LONG = (Choice("Long", "x" * 500), Choice("Twin", 1), Choice("Twin", 2), Choice("", None))

TAKEN = [
    (parameter("textbox"), "a cat", OptionType.STRING, "a cat"),
    (parameter("code"), "print(1)", OptionType.STRING, "print(1)"),
    (parameter("markdown"), "# hi", OptionType.STRING, "# hi"),
    (parameter("html"), "<b>hi</b>", OptionType.STRING, "<b>hi</b>"),
    (parameter("number"), 0.25, OptionType.NUMBER, 0.25),
    (parameter("number"), 3.0, OptionType.NUMBER, 3),
    (parameter("number", step=1), 0.25, OptionType.NUMBER, 0.25),
    (parameter("number", precision=0), 7, OptionType.INTEGER, 7),
    (parameter("number", precision=0), "7", OptionType.INTEGER, 7),
    (parameter("number"), "−1e-3", OptionType.NUMBER, -0.001),
    (parameter("slider", minimum=0, maximum=1, step=0.05), 0.15, OptionType.NUMBER, 0.15),
    (
        parameter("slider", minimum=64, maximum=1000, step=64, default=1000),
        1000,
        OptionType.INTEGER,
        1000,
    ),
    (parameter("slider", minimum=1, maximum=9, step=2), 7, OptionType.INTEGER, 7),
    # Gradio does not check steps, and a page may draw values between them.
    (parameter("slider", minimum=64, maximum=1000, step=64), 100, OptionType.INTEGER, 100),
    (parameter("slider", minimum=0, maximum=1, step=0.01), 0.0117, OptionType.NUMBER, 0.0117),
    (parameter("slider", minimum=0, maximum=9.5, step=1), "9.5", OptionType.INTEGER, 9.5),
    (DIGITS, "18446744073709551615", OptionType.STRING, 2**64 - 1),
    (parameter("checkbox"), True, OptionType.BOOLEAN, True),
    (parameter("checkbox"), "no", OptionType.BOOLEAN, False),
    (parameter("radio", choices=choices(1, 2)), "2", OptionType.STRING, 2),
    (parameter("radio", choices=choices(True, False)), "False", OptionType.STRING, False),
    (parameter("dropdown", choices=LONG), "Long", OptionType.STRING, "x" * 500),
    (parameter("dropdown", choices=LONG), "Twin (2)", OptionType.STRING, 2),
    (parameter("dropdown", choices=LONG), "(empty)", OptionType.STRING, None),
    (parameter("dropdown", choices=many(40)), "voice 31", OptionType.STRING, 31),
    (parameter("dropdown", choices=choices("a"), custom=True), "b", OptionType.STRING, "b"),
    (parameter("dropdown"), "known while it runs", OptionType.STRING, "known while it runs"),
    (parameter("dropdown", choices=many(4), multiple=True), "voice 1", OptionType.STRING, [1]),
    (parameter("checkboxgroup", choices=many(9)), "Voice 1; 3, #1", OptionType.STRING, [1, 3, 0]),
    (parameter("checkboxgroup", choices=choices("a, b", "c")), "c,a, b", OptionType.STRING, None),
    (parameter("colorpicker"), "Teal", OptionType.STRING, "#008080"),
    (parameter("colorpicker"), "0af", OptionType.STRING, "#00aaff"),
    (parameter("colorpicker"), "rgb(0, 128, 255)", OptionType.STRING, "#0080ff"),
    (parameter("image"), attached("a.PNG"), OptionType.ATTACHMENT, data("a.PNG")),
    (parameter("image"), attached("a", mime="image/png"), OptionType.ATTACHMENT, data("a")),
    (parameter("audio"), attached("a.ogg"), OptionType.ATTACHMENT, data("a.ogg")),
    (parameter("video"), attached("a.mp4"), OptionType.ATTACHMENT, data("a.mp4")),
    (parameter("file"), attached("a.xyz"), OptionType.ATTACHMENT, data("a.xyz")),
    (parameter("uploadbutton"), attached("a.xyz"), OptionType.ATTACHMENT, data("a.xyz")),
    (parameter("file", multiple=True), attached("a.b"), OptionType.ATTACHMENT, [data("a.b")]),
    (
        parameter("file", file_types=("image", ".CSV")),
        attached("a.csv"),
        OptionType.ATTACHMENT,
        data("a.csv"),
    ),
    (
        parameter("file", file_types=("pdf", "image/*")),
        attached("a.PDF"),
        OptionType.ATTACHMENT,
        data("a.PDF"),
    ),
    (parameter("model3d"), attached("a.glb"), OptionType.ATTACHMENT, data("a.glb")),
    (
        parameter("gallery", multiple=True),
        attached("a.png"),
        OptionType.ATTACHMENT,
        [{"image": data("a.png"), "caption": None}],
    ),
    (
        parameter("gallery", multiple=True),
        attached("a.mp4"),
        OptionType.ATTACHMENT,
        [{"video": data("a.mp4"), "caption": None}],
    ),
    (
        parameter("imageeditor"),
        attached("a.png"),
        OptionType.ATTACHMENT,
        {"background": data("a.png"), "layers": [], "composite": data("a.png")},
    ),
    (
        parameter("imageslider"),
        attached("a.png"),
        OptionType.ATTACHMENT,
        [data("a.png"), None],
    ),
    (
        parameter("annotatedimage"),
        attached("a.png"),
        OptionType.ATTACHMENT,
        {"image": data("a.png"), "annotations": []},
    ),
    (parameter("multimodaltextbox"), "hi", OptionType.STRING, {"text": "hi", "files": []}),
    (parameter("json"), '{"a": [1, 2.5]}', OptionType.STRING, {"a": [1, 2.5]}),
    (parameter("api"), "[1, 2]", OptionType.STRING, [1, 2]),
    (parameter("api"), "just words", OptionType.STRING, "just words"),
    (parameter("label"), "cat", OptionType.STRING, {"label": "cat", "confidences": None}),
    (
        parameter("highlightedtext"),
        "so it is",
        OptionType.STRING,
        [{"token": "so it is", "class_or_confidence": None}],
    ),
    (
        parameter("dialogue"),
        "Ann: hi; Bob: yes: you",
        OptionType.STRING,
        [{"speaker": "Ann", "text": "hi"}, {"speaker": "Bob", "text": "yes: you"}],
    ),
    (parameter("dialogue"), "only words", OptionType.STRING, "only words"),
    (parameter("fileexplorer"), "a/b.txt, c", OptionType.STRING, [["a", "b.txt"], ["c"]]),
    (
        parameter("dataframe"),
        "name,age; Ann,41; Bob,",
        OptionType.STRING,
        table(["name", "age"], [["Ann", 41], ["Bob", None]]),
    ),
    (
        parameter("dataframe", props={"headers": ["x", "y"]}),
        "[[1, 2], [3]]",
        OptionType.STRING,
        table(["x", "y"], [[1, 2], [3, None]]),
    ),
    (
        parameter("dataframe"),
        '[{"a": 1}, {"a": 2, "b": "c"}]',
        OptionType.STRING,
        table(["a", "b"], [[1, None], [2, "c"]]),
    ),
    (
        parameter("dataframe"),
        "a,b\n1,2,3",
        OptionType.STRING,
        table(["a", "b", "3"], [[1, 2, 3]]),
    ),
    (PEOPLE, "Ann,12,true", OptionType.STRING, table(HEADS, [["Ann", 12, True]])),
    (PEOPLE, "007,nan,no; Bob", OptionType.STRING, table(HEADS, [["007", None, False], BLANK])),
    (
        PEOPLE,
        "age, name\n1.5, Ann",
        OptionType.STRING,
        table(HEADS, [["Ann", 1.5, None]]),
    ),
    (
        PEOPLE,
        '[["Ann", "12", "yes"], ["Bob", 30, false]]',
        OptionType.STRING,
        table(HEADS, [["Ann", 12, True], ["Bob", 30, False]]),
    ),
    (PEOPLE, '{"Age": 3}', OptionType.STRING, table(HEADS, [[None, 3, None]])),
    (parameter("dataframe"), "Ann,12", OptionType.STRING, table(["1", "2"], [["Ann", 12]])),
    (parameter("dataframe"), "1,2\n3,4", OptionType.STRING, table(["1", "2"], [[1, 2], [3, 4]])),
    (
        parameter("dataframe"),
        '[["1", "x"], ["2"]]',
        OptionType.STRING,
        table(["1", "2"], [["1", "x"], ["2", None]]),
    ),
    (parameter("dataframe"), '{"a": [1, 2]}', OptionType.STRING, table(["a"], [[1], [2]])),
    (parameter("datetime"), "2026-05-04 15:00", OptionType.STRING, "2026-05-04 15:00:00"),
    (parameter("datetime"), "May 4 2026 3pm", OptionType.STRING, "2026-05-04 15:00:00"),
    (
        parameter("datetime", props={"include_time": False}),
        "1777900000",
        OptionType.STRING,
        "2026-05-04",
    ),
    (
        parameter("datetime", props={"timezone": "Europe/Paris"}),
        "2026-05-04T15:00:00+00:00",
        OptionType.STRING,
        "2026-05-04 17:00:00",
    ),
]


@pytest.mark.parametrize(("one", "arguments", "kind", "wanted"), TAKEN)
def test_takes(one: Parameter, arguments: Any, kind: OptionType, wanted: Any) -> None:
    (first, *_) = inputs.options(endpoint(one)).options
    assert (first.name, first.type, first.parameter) == ("it", kind, "it")
    value = sent(one, arguments)
    if one.choices and one.choices[0].value == "a, b":
        wanted = ["c", "a, b"]
    assert value == wanted
    assert type(value) is type(wanted)


REFUSED = [
    (parameter("textbox", max_length=5), "abcdefg", "is 7 characters long: at most 5 are accepted"),
    (parameter("textbox", required=True), "  ", "is empty: give it some text."),
    (parameter("number"), "many", "must be a number like 7 or 0.5: you gave `many`."),
    (parameter("number"), "nan", "must be a number like 7 or 0.5: you gave `nan`."),
    (parameter("number"), "1e999999", "is too far from zero to be used: you gave `1e999999`."),
    (parameter("number", minimum=1), 0, "must be at least 1: you gave 0."),
    (parameter("number", maximum=1), 2.5, "must be at most 1: you gave 2.5."),
    (parameter("number", precision=0), "1.5", "must be a whole number: you gave 1.5."),
    (
        parameter("slider", minimum=0, maximum=100, step=1),
        101,
        "must be between 0 and 100: you gave 101.",
    ),
    (
        parameter("slider", minimum=0, maximum=9, step=1, precision=0),
        "1.5",
        "must be a whole number: you gave 1.5.",
    ),
    (parameter("checkbox"), "perhaps", "is yes or no: you gave `perhaps`."),
    (
        parameter("radio", choices=choices("red", "green")),
        "re`d@everyone",
        "has no choice `re'd@everyone`. Pick from `red`, `green`.",
    ),
    (
        parameter("dropdown", choices=many(40)),
        "ice 39x",
        "has no choice `ice 39x`. Pick from `Voice 0`, `Voice 1`, `Voice 2`, `Voice 3`, `Voice 4` "
        "and 35 more.",
    ),
    (
        parameter("checkboxgroup", choices=many(4), max_items=2),
        "Voice 1, Voice 2, Voice 3",
        "takes at most 2 of its choices: you gave 3.",
    ),
    (parameter("checkboxgroup", choices=many(4), required=True), "-", "is empty: pick at least"),
    (parameter("colorpicker"), "greenish", "is not a colour that I know: `greenish`. Give a name"),
    (parameter("image"), attached("a.txt"), "takes an image: you gave `a.txt`."),
    (parameter("image"), "a.png", "takes a file, attached: you gave `a.png`."),
    (parameter("audio"), attached("a.mp4"), "takes an audio file: you gave `a.mp4`."),
    (
        parameter("file", file_types=("image", "text", ".csv")),
        attached("a.exe"),
        "takes an image, a text file or a .csv file: you gave `a.exe`.",
    ),
    (
        parameter("file"),
        File("a.bin", problem="Discord no longer has it."),
        "could not be read, `a.bin`: Discord no longer has it.",
    ),
    (parameter("gallery", multiple=True), attached("a.pdf"), "takes an image or a video: you gave"),
    (parameter("multimodaltextbox", required=True), " ", "is empty: give it some text, or attach"),
    (
        parameter("json"),
        '{"a": }',
        'is not JSON: expecting value at line 1, column 7. Give it like `{"size": 3}`.',
    ),
    (parameter("json"), "[NaN]", "is not JSON: NaN is not a number in JSON. Give it like"),
    (parameter("json"), "[" * 900 + "]" * 900, "is JSON that is nested too deeply."),
    (parameter("json"), "9" * 5000, "is not JSON: Exceeds the limit"),
    (parameter("json"), "[" * 5000, "is JSON that is nested too deeply."),
    (parameter("dataframe"), "[]", "is not a table: `[]`. Give rows like `[[1, 2], [3, 4]]`."),
    (parameter("dataframe"), " \n", "contains no table: give CSV like `name,age; Ann,41`."),
    (
        parameter("datetime"),
        "the day after never",
        "is not a date that I understand: `the day after never`. Write it like "
        "`2026-05-04 15:00` or `tomorrow 15:00`.",
    ),
]


@pytest.mark.parametrize(("one", "arguments", "sentence"), REFUSED)
def test_refuses_in_a_sentence(one: Parameter, arguments: Any, sentence: str) -> None:
    with pytest.raises(InputError) as caught:
        sent(one, arguments)
    assert f"`it` {sentence}" in str(caught.value)
    assert caught.value.option == "it"


def test_a_file_over_the_limit_of_the_space_is_refused_before_it_is_sent() -> None:
    with pytest.raises(InputError, match=r"is 12\.3 MB: this Space accepts at most 5\.0 MB"):
        sent(parameter("file"), attached("a.bin", size=12_345_678), max_file_size=5_000_000)


def test_a_secret_is_never_repeated() -> None:
    one = parameter("textbox", secret=True, max_length=5, default="hunter2")
    with pytest.raises(InputError) as caught:
        sent(one, "swordfish")
    assert "swordfish" not in str(caught.value)
    (option,) = inputs.options(endpoint(one)).options
    assert "hunter2" not in repr(option)


BLANKS = [
    ("textbox", ""),
    ("number", None),
    ("checkbox", False),
    ("dropdown", None),
    ("checkboxgroup", []),
    ("image", None),
    ("multimodaltextbox", {"text": "", "files": []}),
    ("chatbot", []),
    ("dataframe", {"headers": ["1", "2", "3"], "data": [], "metadata": None}),
    ("datetime", None),
    ("json", None),
]


@pytest.mark.parametrize(("component", "blank"), BLANKS)
def test_what_nobody_gave_is_sent_as_the_page_sends_it(component: str, blank: Any) -> None:
    assert inputs.values(endpoint(parameter(component)), {}) == {"it": blank}


DROPPED = [
    parameter("slider", minimum=0, maximum=1, step=0.1, default=7),
    parameter("number", maximum=1, default=7),
    parameter("dropdown", choices=choices("a", "b"), default=""),
    parameter("checkboxgroup", choices=choices("a", "b"), default=["a", "z"]),
]


@pytest.mark.parametrize("one", DROPPED)
def test_an_input_whose_default_the_space_rejects_is_required(one: Parameter) -> None:
    (option,) = inputs.options(endpoint(one)).options
    assert option.required
    assert option.default is None
    with pytest.raises(InputError, match="`it` is needed: give it a value"):
        inputs.values(endpoint(one), {})


def test_bounds_reach_discord_as_it_takes_them() -> None:
    slider = parameter("slider", minimum=64, maximum=1000, step=64, default=128)
    (option,) = inputs.options(endpoint(slider)).options
    assert (option.minimum, option.maximum, option.default) == (64, 1000, 128)
    assert option.description == "It (64 to 1000, default 128)"


def test_every_kind_in_the_table_has_a_row_here() -> None:
    # Only a chat's history is never requested.
    tried = {one.component for one, *_ in TAKEN} | {"chatbot"}
    assert set(inputs.INPUTS) == tried
    assert tried == inputs.ASKABLE
    assert all(input_for(one) for one, *_ in TAKEN)
