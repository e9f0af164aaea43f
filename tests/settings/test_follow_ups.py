"""What an owner may write as `then`, and what the error says about anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from spacebot.engine import follow_ups
from spacebot.errors import EndpointGone, InputError, SettingsError
from spacebot.models import Endpoint, File, FollowUp, Job, Parameter, Requester, Source
from spacebot.settings import command_source

ENTRY = {"space": "a/b", "endpoint": "/make"}


def test_follow_ups_are_read_with_what_follows_them() -> None:
    then = [
        {
            "label": "Upscale",
            "endpoint": "upscale",
            "fixed": {"steps": 2},
            "take": {"path": 2, "prompt": "prompt"},
            "index": "which",
            "each": 4,
            "then": [{"label": "Again", "endpoint": "/upscale"}],
        }
    ]
    assert command_source(ENTRY | {"then": then}) == Source(
        "a/b",
        "/make",
        then=(
            FollowUp(
                "Upscale",
                "/upscale",
                {"steps": 2},
                {"path": 2, "prompt": "prompt"},
                "which",
                4,
                (FollowUp("Again", "/upscale"),),
            ),
        ),
    )


@pytest.mark.parametrize(
    ("then", "accepted"),
    [
        ("Upscale", "as then, a list of dicts"),
        ([3], "in then, dicts like"),
        ([{"label": "A", "endpoint": "/a", "colour": 1}], "in then, the keys label, endpoint"),
        ([{"endpoint": "/a"}], "in then, as label the words on the button"),
        ([{"label": "A"}], "in then, as endpoint one of the same Space"),
        ([{"label": "A", "endpoint": "/a", "each": 0}], "as each, a whole number from 1 to 20"),
        ([{"label": "A", "endpoint": "/a", "each": 4}], "with each, an index"),
        (
            [{"label": "A", "endpoint": "/a", "each": 4, "take": {"x": "0[1]"}}],
            "with each, an index",
        ),
        ([{"label": "A", "endpoint": "/a", "index": 4}], "as index, the name of the parameter"),
        ([{"label": "A", "endpoint": "/a", "take": {"x": -1}}], "in then, as take a dict"),
        ([{"label": "A", "endpoint": "/a", "take": ["x"]}], "in then, as take a dict"),
        ([{"label": "A", "endpoint": "/a", "fixed": 3}], "in then, as fixed a dict"),
        ([{"label": "A", "endpoint": "/a"}] * 2, "another label for each: 'A' appears twice"),
        (
            [{"label": x, "endpoint": "/a", "index": "i", "each": 11} for x in "AB"],
            "at most 20 buttons",
        ),
    ],
)
def test_what_cannot_be_used_is_told(then: Any, accepted: str) -> None:
    with pytest.raises(SettingsError, match=accepted):
        command_source(ENTRY | {"then": then})


def test_then_needs_an_endpoint_and_fixed_values_are_not_repeated() -> None:
    then = [{"label": "A", "endpoint": "/a", "fixed": {"key": "very-secret"}}]
    with pytest.raises(SettingsError, match="with then, the endpoint") as caught:
        command_source({"space": "a/b", "then": then})
    assert "very-secret" not in str(caught.value)


def test_a_button_finds_its_follow_up_wherever_it_stands() -> None:
    larger, other = FollowUp("Larger", "/a", index="i", each=2), FollowUp("Other", "/b")
    buttons = list(follow_ups.follow_up_buttons([larger, other]))
    assert [button.label for button in buttons] == ["Larger 1", "Larger 2", "Other"]
    assert follow_ups.find_follow_up([other, larger], buttons[1].key, 1) is larger
    with pytest.raises(EndpointGone, match="no longer offered"):
        follow_ups.find_follow_up([other], buttons[0].key, 0)
    with pytest.raises(EndpointGone, match="no longer offered"):
        follow_ups.find_follow_up([larger], buttons[0].key, 2)


def test_what_is_taken_comes_from_outputs_and_from_before() -> None:
    wanted = FollowUp("A", "/a", take={"path": 1, "prompt": "text"}, index="i")
    found = follow_ups.taken_values(wanted, 3, ["x", {"path": "/tmp/y"}], {"text": "sea"})
    assert found == {"path": {"path": "/tmp/y"}, "prompt": "sea", "i": 3}
    three = [{"image": {"path": f"/tmp/{name}"}, "caption": None} for name in "abc"]
    wanted_of = {"second": "0[1]", "own": "0[index]", "file": "1[0]"}
    wanted_one = FollowUp("B", "/b", take=wanted_of, each=4)
    gallery = [{"__type__": "update", "value": three}, [{"path": "/tmp/x"}]]
    assert follow_ups.taken_values(wanted_one, 2, gallery, {}) == {
        "second": {"path": "/tmp/b"},
        "own": {"path": "/tmp/c"},
        "file": {"path": "/tmp/x"},
    }
    with pytest.raises(InputError, match="There is no number 4 in this result: it has 3"):
        follow_ups.taken_values(wanted_one, 3, gallery, {})
    for outputs, before in ((None, {"text": "sea"}), (["x"], {"text": "sea"}), (["x", "y"], {})):
        with pytest.raises(InputError, match="too large to store"):
            follow_ups.taken_values(wanted, 0, outputs, before)


def test_what_was_attached_is_sent_again_by_its_option() -> None:
    picture = Parameter("image", "Image", "image", "photo", required=True)
    words = Parameter("text", "Text", "textbox", "words", default="sea")
    first = Endpoint("a/b", "/first", "first", "", (picture, words))
    file = File("a.png", path=Path("/nowhere/a.png"), folder=Path("/nowhere"))
    before = follow_ups.PriorValues()
    before.add(Job("1", first, Requester("1", "@ada", "1"), {"photo": file}))
    wanted = FollowUp("Larger", "/larger", take={"source": "image", "prompt": "text"})
    found = follow_ups.taken_values(wanted, 0, [], before.values, before.files)
    assert found == {"prompt": "sea"}
    larger = Endpoint(
        "a/b", "/larger", "larger", "", (Parameter("source", "Source", "image", "picture"),)
    )
    assert before.attached_files(wanted, follow_ups.with_constants(larger, found)) == {
        "picture": file
    }


def test_a_follow_up_asks_for_a_secret_instead_of_taking_it_from_who_entered_it() -> None:
    key = Parameter("key", "Key", "textbox", option="key", secret=True)
    endpoint = Endpoint("a/b", "/make", "make", "", parameters=(key,))
    before = follow_ups.PriorValues()
    before.add(Job("1", endpoint, Requester("ada", "@ada"), {"key": "ada-key"}))
    wanted = FollowUp("Upscale", "/upscale", take={"key": "key"})
    assert before.values == {}
    assert before.asks(wanted) == {"key"}
    assert follow_ups.taken_values(wanted, 0, [], before.values, before.held) == {}
