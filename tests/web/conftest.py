"""The browser, and the scripted program whose page it shows: each once for a module."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.support.browser.chromium import launched
from tests.support.browser.scripted_program import ScriptedHouse


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    async with launched() as running:
        yield running


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> ScriptedHouse:
    return ScriptedHouse(tmp_path_factory.mktemp("house"))
