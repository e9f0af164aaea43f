"""The violations that axe-core finds on a page."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Page


async def serious(page: Page) -> list[str]:
    """The violations that are serious or worse."""
    found = await Axe().run(page)
    return [
        f"{fault['id']}: {node['html']}"
        for fault in found.response["violations"]
        if fault["impact"] in ("serious", "critical")
        for node in fault["nodes"]
    ]
