"""Seeds, lines to paste, and which option takes what."""

from __future__ import annotations

import random
from typing import Any

import pytest

from spacebot.engine import recipes
from spacebot.models import Endpoint, File, Output, Parameter
from spacebot.spaces import inputs


def endpoint(*parameters: Parameter, outputs: tuple[Output, ...] = ()) -> Endpoint:
    """An endpoint with these parameters."""
    return Endpoint("a/b", "/x", "x", "Does x.", parameters, outputs)


def number(name: str, label: str = "", component: str = "slider", **more: Any) -> Parameter:
    """A parameter that is a number."""
    return Parameter(name, label or name, component, name, **more)


@pytest.mark.parametrize(
    ("name", "label", "component", "is_seed"),
    [
        ("seed", "Seed", "slider", True),
        ("param_3", "Random Seed (0 for any)", "number", True),
        ("seed_2", "Seed", "number", True),
        ("noiseSeed", "Noise", "number", True),
        ("randomize_seed", "Randomize seed", "checkbox", False),
        ("seedling_age", "Seedling age", "number", False),
        ("prompt", "Seed words", "textbox", False),
        ("steps", "Steps", "slider", False),
    ],
)
def test_a_seed_is_known_by_its_name_or_label(
    name: str, label: str, component: str, is_seed: bool
) -> None:
    found = inputs.seed_parameters(endpoint(number(name, label, component)))
    assert bool(found) is is_seed


def test_vary_stays_within_bounds_and_steps_and_switches_the_box_off() -> None:
    kind = endpoint(
        number("seed", minimum=-1, maximum=10, step=5, default=4, precision=0),
        number("seed_2", component="number", precision=0),
        number("big_seed", component="number", precision=0, maximum=2**64),
        number("randomize", "Randomize", "checkbox", default=True),
        number("random_crop", "Random crop", "checkbox", default=True),
    )
    arguments = {"prompt": "sea", "seed": 4, "random_crop": True}
    for chance in range(50):
        fresh = recipes.vary_seeds(kind, arguments, random.Random(chance))
        assert fresh["seed"] in (4, 9)
        assert 0 <= fresh["seed_2"] <= recipes.MAX_SEED
        assert isinstance(fresh["big_seed"], str)
        assert fresh["randomize"] is False
        assert fresh["random_crop"] is True
        assert fresh["prompt"] == "sea"
    assert arguments["seed"] == 4


@pytest.mark.parametrize(
    ("given", "drawn"),
    [
        ({}, True),
        ({"seed": 7}, False),
        ({"seed": 0}, False),
        # Below 0 stands for a random one.
        ({"seed": -1}, True),
        ({"seed": 7, "randomize_seed": True}, True),
        ({"steps": 7}, True),
    ],
)
def test_an_entered_seed_is_used(given: dict[str, Any], drawn: bool) -> None:
    kind = endpoint(
        number("seed", minimum=-1, maximum=10, step=1, default=0, precision=0),
        number("steps", default=4, precision=0),
        number("randomize_seed", "Randomize seed", "checkbox", default=True),
        number("random_crop", "Random crop", "checkbox", default=True),
    )
    sent = inputs.values(kind, given)
    assert (sent["randomize_seed"], sent["random_crop"]) == (drawn, True)


def test_vary_never_gives_the_same_seed_where_there_is_another() -> None:
    kind = endpoint(number("seed", minimum=0, maximum=1, step=1, default=0, precision=0))
    for chance in range(20):
        assert recipes.vary_seeds(kind, {"seed": 1}, random.Random(chance))["seed"] == 0
        assert recipes.vary_seeds(kind, {}, random.Random(chance))["seed"] == 1


def test_a_line_has_every_value_and_no_secret() -> None:
    kind = endpoint(
        Parameter("prompt", "Prompt", "textbox", "prompt"),
        Parameter("key", "Key", "textbox", "key", secret=True),
        Parameter("image", "Image", "image", "image"),
        number("size", default=512, precision=0),
    )
    arguments = {"prompt": "a\nb", "key": "hush", "image": File("cat.png")}
    assert recipes.line("/demo paint", kind, arguments) == "/demo paint prompt:a b image:cat.png"
    assert recipes.defaults_line(kind, arguments) == "size:512"


@pytest.mark.parametrize(
    ("component", "value", "text"),
    [
        ("textbox", "hello", "hello"),
        ("textbox", {"__type__": "update", "value": "hello"}, "hello"),
        ("label", {"label": "cat", "confidences": []}, "cat"),
        ("chatbot", [{"role": "assistant", "content": "hi"}], "hi"),
        ("chatbot", [{"content": [{"type": "text", "text": "hi"}]}], "hi"),
        ("chatbot", [["question", "hi"]], "hi"),
        ("image", "base64", ""),
        ("number", 3, ""),
        ("textbox", None, ""),
    ],
)
def test_what_a_result_says(component: str, value: Any, text: str) -> None:
    assert recipes.result_text(endpoint(outputs=(Output("Out", component),)), [value]) == text


def test_the_likeliest_option_takes_a_text_or_a_file() -> None:
    kind = endpoint(
        Parameter("negative", "Negative prompt", "textbox", "negative"),
        Parameter("key", "Key", "textbox", "key", secret=True, required=True),
        Parameter("prompt", "Prompt", "textbox", "prompt"),
        Parameter("anything", "Anything", "file", "anything"),
        Parameter("picture", "Picture", "image", "picture"),
    )
    assert recipes.text_option(kind) == "prompt"
    assert recipes.file_option(kind, "a.png", None) == "picture"
    assert recipes.file_option(kind, "a", "image/png") == "picture"
    assert recipes.file_option(kind, "a.csv", "text/csv") == "anything"
    assert recipes.text_option(endpoint(number("n"))) is None
    assert recipes.file_option(endpoint(number("n")), "a.png", None) is None
