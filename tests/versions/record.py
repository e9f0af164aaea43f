"""`python -m tests.versions.record VERSION URL …`: writes down what each version says of itself."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from spacebot.spaces.schema.component_types import name_set

RECORDED = Path(__file__).with_name("recorded.json")
# The parts of a description that are read; the rest is looks.
_CONFIG = name_set("version protocol api_prefix mode title enable_queue layout")
_PROPS = name_set(
    "label value choices minimum maximum step precision lines placeholder visible info type"
    " multiselect file_count file_types headers col_count row_count datatype source tool name"
)
_EVENT = name_set(
    "id targets trigger inputs outputs api_name backend_fn queue trigger_after types js"
    " trigger_only_on_success trigger_only_on_failure cancels collects_event_data connection"
)


def described(url: str) -> dict[str, Any]:
    """What the app at `url` says of itself, without looks."""
    config = httpx.get(f"{url}/config").raise_for_status().json()
    prefix = (config.get("api_prefix") or "").strip("/")
    answer = httpx.get(f"{url}/{prefix}/info".replace("//info", "/info"))
    is_legacy = "protocol" not in config
    info = None if is_legacy else answer.raise_for_status().json()
    return {
        "config": {
            **{key: config[key] for key in sorted(_CONFIG & config.keys())},
            "components": [_component(part) for part in config["components"]],
            "dependencies": [
                {key: one[key] for key in sorted(_EVENT & one.keys())}
                for one in config["dependencies"]
            ],
        },
        "info": info and {"named_endpoints": {k: _entry(v) for k, v in _named(info)}},
    }


def _named(info: Mapping[str, Any]) -> Any:
    return info["named_endpoints"].items()


def _entry(entry: Mapping[str, Any]) -> dict[str, Any]:
    unread = ("python_type", "example_input", "serializer")
    return {
        side: [{k: v for k, v in one.items() if k not in unread} for one in entry[side]]
        for side in ("parameters", "returns")
    }


def _component(part: Mapping[str, Any]) -> dict[str, Any]:
    props = {key: part["props"][key] for key in sorted(_PROPS & part["props"].keys())}
    kept = {key: part[key] for key in ("id", "type", "skip_api") if key in part}
    return {**kept, "props": props}


def main() -> None:
    """Records each version that the arguments name, with where it is served."""
    recorded = json.loads(RECORDED.read_text()) if RECORDED.exists() else {}
    for version, url in zip(sys.argv[1::2], sys.argv[2::2], strict=True):
        recorded[version] = described(url)
    lines = [
        f"{json.dumps(version)}: {json.dumps(one, separators=(',', ':'))}"
        for version, one in recorded.items()
    ]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


if __name__ == "__main__":
    main()
