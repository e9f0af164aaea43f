"""The messages of a Space's own checks reach a person without technical noise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from spacebot.engine import job_text
from spacebot.errors import ValuesRejected
from spacebot.spaces.client.error_mapping import job_error, join_error
from spacebot.spaces.client.validation_messages import validation_message
from tests.spaces.client.test_hostile import reaching, run
from tests.spaces.outputs.test_limits import found
from tests.support.asking import ask
from tests.support.conversations import lab
from tests.support.hostile_space import hostile

PYDANTIC = (
    "2 validation errors for Order\nsize\n  Input should be a valid integer [type=int_parsing, "
    "input_value='x', input_type=str]\n    For further information visit "
    "https://errors.pydantic.dev/2.10/v/int_parsing\nname\n  Value error, too long "
    "[type=value_error, input_value='aaa', input_type=str]"
)


def check(**fields: Any) -> dict[str, Any]:
    return {"__type__": "validate", "is_valid": False, **fields}


@pytest.mark.parametrize(
    ("detail", "said"),
    [
        ([check(parameter_name="age", message="Be 18 or older.")], "age: Be 18 or older."),
        ([{"is_valid": True, "message": ""}, check(message="Too short.")], "Too short."),
        ([check(parameter_name="parameter_1", message="Too short.")], "Too short."),
        ("invalid bucket id", "invalid bucket id"),
        ([{"loc": ["body", "data"], "msg": "Field required"}], "data: Field required"),
        ([1, None, {"is_valid": False}], ""),
        ({"deep": {}}, ""),
        (None, ""),
    ],
)
async def test_a_check_speaks_for_itself(detail: Any, said: str) -> None:
    async def refuse(request: web.Request) -> web.Response:
        return web.json_response({"detail": detail}, status=422)

    async with hostile() as space:
        space.answers["join"] = space.answers["data"] = refuse
        async with reaching(space) as connection:
            await connection.ready()
            with pytest.raises(ValuesRejected) as caught:
                await run(connection)
    assert str(caught.value) == said
    assert job_text.describe_failure(caught.value).startswith("✏️ The Space ")


async def test_a_check_names_the_options(served: Callable[[str], str], tmp_path: Path) -> None:
    async with lab(tmp_path, it=served("chained")) as home:
        values = {"age": 3, "nickname": "Bo"}
        refused = await ask(home.ada, "it admit", values, channel=home.channel, seconds=60)
        assert "age: too young" in refused.content
        assert "nickname: too short" in refused.content


def test_what_the_stock_client_and_pydantic_say_is_cleaned() -> None:
    from gradio_client.exceptions import ValidationError

    told = join_error(ValidationError("1 parameter(s) failed validation:\n- age: Too young."))
    assert isinstance(told, ValuesRejected)
    assert str(told) == "age: Too young."
    assert str(job_error({"error": PYDANTIC})).split("\n") == [
        *("size", "Input should be a valid integer", "name", "too long")
    ]
    assert str(job_error({"error": "3 cats\n[type=a]"})) == "3 cats\n[type=a]"


def test_a_check_cannot_ping() -> None:
    said = job_text.describe_failure(
        ValuesRejected(validation_message({"detail": "@everyone <@123> <b>x</b>"}))
    )
    assert "everyone" in said
    assert not found(said)
