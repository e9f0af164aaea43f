"""The signature of the DeepFloyd IF Space: four small pictures, one of them made larger twice.

`/generate64` returns a folder of pictures and a path that `/upscale256` and
`/upscale1024` take with the index of the picture; the work is the embedded Space's.
"""

from __future__ import annotations

import json
from pathlib import Path

import gradio as gr
from gradio.components import Component
from PIL import Image

from spacebot.demo import painting
from tests.support.apps.media import new_file

TIMESTEPS = ["smart27", "smart50", "smart100", "fast27"]


def generate64(
    prompt: str,
    negative_prompt: str,
    seed: float,
    number_of_images: float,
    guidance_scale: float,
    custom_timesteps: str,
    inference_steps: float,
) -> tuple[list[Image.Image], str, str]:
    """Generate small pictures from a prompt."""
    if negative_prompt and negative_prompt in prompt:
        raise gr.Error("The prompt holds its own negative prompt.")
    pictures = [
        painting.paint(prompt, 64, int(seed) + index, "auto")
        for index in range(int(number_of_images))
    ]
    asked = {"prompt": prompt, "seed": int(seed), "images": len(pictures)}
    asked |= {"guidance": guidance_scale, "timesteps": custom_timesteps, "steps": inference_steps}
    parameters, result = new_file(".json"), new_file(".json")
    Path(parameters).write_text(json.dumps(asked), "utf-8")
    Path(result).write_text(json.dumps(asked), "utf-8")
    return pictures, parameters, result


def upscale256(
    result_path: str,
    selected_index: float,
    seed: float,
    guidance_scale: float,
    custom_timesteps: str,
    inference_steps: float,
) -> Image.Image:
    """Make one of the small pictures 256 pixels wide."""
    return _again(result_path, int(selected_index), 256)


def upscale1024(
    result_path: str,
    selected_index: float,
    seed_2: float,
    guidance_scale_2: float,
    custom_timesteps_2: str,
    inference_steps_2: float,
    prompt: str,
    negative_prompt: str,
    seed_3: float,
    guidance_scale_3: float,
    inference_steps_3: float,
) -> Image.Image:
    """Make one of the small pictures 1,024 pixels wide."""
    return _again(result_path, int(selected_index), 1024)


def _again(result_path: str, index: int, size: int) -> Image.Image:
    try:
        asked = json.loads(Path(result_path).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise gr.Error("Generate pictures first: this result is not known here.") from error
    if not 0 <= index < asked["images"]:
        raise gr.Error(f"There is no picture {index}; pictures 0 to {asked['images'] - 1} exist.")
    return painting.paint(asked["prompt"], size, asked["seed"] + index, "auto")


def _settings(timesteps: str, steps: int) -> list[Component]:
    return [
        gr.Slider(0, 2**31 - 1, 0, step=1, label="Seed"),
        gr.Slider(1, 20, 4, label="Guidance scale"),
        gr.Dropdown(TIMESTEPS, value=timesteps, label="Custom timesteps"),
        gr.Slider(1, 100, steps, step=1, label="Number of inference steps"),
    ]


def build() -> gr.Blocks:
    """Build the app: /generate64, /upscale256, /upscale1024."""
    with gr.Blocks(title="IF", analytics_enabled=False) as blocks:
        prompt = gr.Textbox(label="Prompt")
        negative = gr.Textbox("", label="Negative prompt")
        seed, guidance, timesteps, steps = _settings("smart100", 50)
        count = gr.Slider(1, 4, 4, step=1, label="Number of images")
        gallery = gr.Gallery(label="Pictures", format="png")
        parameters = gr.File(label="Parameters", visible=False)
        result = gr.Textbox(label="Stage 1 result", visible=False)
        index = gr.Number(0, label="Selected index", precision=0, visible=False)
        second = _settings("smart50", 50)
        third = _settings("fast27", 40)
        picture = gr.Image(label="Picture", format="png")
        asked = [prompt, negative, seed, count, guidance, timesteps, steps]
        gr.Button("Generate").click(
            generate64, asked, [gallery, parameters, result], api_name="generate64"
        )
        gr.Button("Upscale to 256").click(
            upscale256, [result, index, *second], picture, api_name="upscale256"
        )
        larger = [result, index, *second, prompt, negative, third[0], third[1], third[3]]
        gr.Button("Upscale to 1024").click(upscale1024, larger, picture, api_name="upscale1024")
    return blocks.queue(default_concurrency_limit=4)
