"""Records the apps' own descriptions, and the commands made from them.

python -m tests.shapes.record             writes recorded.json and commands.txt
python -m tests.shapes.record commands    writes commands.txt alone
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from spacebot.spaces.schema.component_types import name_set

HERE = Path(__file__).parent
RECORDED = HERE / "recorded.json"
COMMANDS = HERE / "commands.txt"

# Looks and wiring that no command depends on make up most of a config.
_LOOKS = name_set(
    "autofocus autoscroll elem_classes elem_id container min_width preserved_by_key rtl"
    " buttons scale show_label size link_target _selectable key mirror_webcam"
    " webcam_options watermark streamable secret submit_btn stop_btn"
    " num_choices_shown filterable recording waveform_options brush eraser layers"
    " transforms canvas_size object_fit preview min_height max_height line_breaks"
    " header_links latex_delimiters feedback_options time_to_live delete_callback"
    " show_fullscreen_button subtitles loop webcam_constraints"
)
_EVENT = name_set(
    "id targets inputs outputs api_name trigger_after collects_event_data types cancels"
    " connection api_visibility trigger_only_on_success trigger_only_on_failure"
    " js backend_fn queue zerogpu"
)
_CONFIG = name_set("mode title max_file_size i18n_translations layout")


def record() -> None:
    """Builds each app without starting it, and returns its config and API description."""
    from tests.shapes.apps import SHAPES

    # Gradio writes a stub beside the source of a custom component.
    (HERE / "apps" / "inputs.pyi").unlink(missing_ok=True)
    recorded = {name: describe(shape.build) | {"source": {"space": shape.space, **shape.source}}
                for name, shape in SHAPES.items()}  # fmt: skip
    lines = [f"{json.dumps(name)}: {_compact(shape)}" for name, shape in recorded.items()]
    RECORDED.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def describe(build: Any) -> dict[str, Any]:
    """The app's `/config` and `/gradio_api/info`, without what no command depends on."""
    from gradio.context import Context

    # Ids run on from app to app; starting at one, a change to one app changes no other record.
    Context.id = 1
    demo = build()
    config = json.loads(_compact({**demo.get_config_file(), **_added(demo)}))
    info = json.loads(_compact(demo.get_api_info(all_endpoints=False)))
    slim = {key: config.get(key) for key in sorted(_CONFIG) if config.get(key) is not None}
    slim["components"] = [_component(part) for part in config["components"]]
    slim["dependencies"] = [
        {k: event[k] for k in sorted(_EVENT & event.keys())} for event in config["dependencies"]
    ]
    for endpoint in info["named_endpoints"].values():
        for value in (*endpoint["parameters"], *endpoint["returns"]):
            value.pop("python_type", None)
            value.pop("example_input", None)
            value["type"] = _schema(value["type"])
    return {"config": slim, "info": info}


def _added(demo: Any) -> dict[str, Any]:
    # Translations reach the config when the app is launched.
    return {"i18n_translations": demo.config.get("i18n_translations")}


def _component(part: Mapping[str, Any]) -> dict[str, Any]:
    props = {k: v for k, v in part["props"].items() if k not in _LOOKS and v is not None}
    return {"id": part["id"], "type": part["type"], "skip_api": part["skip_api"], "props": props}


def _schema(schema: Any) -> Any:
    """A JSON schema's outline: its type, its choices, the names of its properties."""
    if not isinstance(schema, dict):
        return schema
    outline = {key: schema[key] for key in ("type", "enum") if key in schema}
    if "properties" in schema:
        outline["properties"] = {key: {} for key in schema["properties"]}
    for united in ("oneOf", "anyOf"):
        if united in schema:
            outline[united] = [_schema(one) for one in schema[united]]
    if "items" in schema:
        outline["items"] = _schema(schema["items"])
    return outline


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), default=_as_sent)


def _as_sent(value: Any) -> Any:
    return value.to_dict() if hasattr(value, "to_dict") else str(value)


def main() -> None:
    """Write what the arguments say."""
    from tests.shapes.snapshot import commands

    if "commands" not in sys.argv[1:]:
        record()
    COMMANDS.write_text(commands(json.loads(RECORDED.read_text())))


if __name__ == "__main__":
    main()
