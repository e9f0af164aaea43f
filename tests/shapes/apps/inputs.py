"""Apps whose inputs are many, unusual, hidden or optional."""

import datetime
from typing import Any, Literal

import gradio as gr
from gradio.components.base import Component
from gradio.events import api


class Dial(Component):
    """A component of the app's own, whose values nobody can type."""

    def preprocess(self, payload: Any) -> Any:
        return payload

    def postprocess(self, value: Any) -> Any:
        return value

    def api_info(self) -> dict[str, Any]:
        return {"type": "object", "properties": {"angle": {"type": "number"}}}

    def example_payload(self) -> Any:
        return {"angle": 1}

    def example_value(self) -> Any:
        return {"angle": 1}


class Stars(Dial):
    """A component of the app's own that takes a plain number."""

    def api_info(self) -> dict[str, Any]:
        return {"type": "integer"}


def every_input() -> gr.Blocks:
    def convert(
        text, area, number, slider, tick, ticks, radio, drop, image, audio, video, file, upload,
        editor, gallery, model, message, table, data, when, colour, code,
    ) -> str:  # fmt: skip
        return str(text)

    parts: list[Component] = [
        gr.Textbox("hi", max_length=80, placeholder="Say it"), gr.Textbox("a\nb", lines=4),
        gr.Number(1, minimum=0, maximum=9, precision=0), gr.Slider(0, 1, 0.5, step=0.1),
        gr.Checkbox(True), gr.CheckboxGroup(["a", "b"], value=["a"]), gr.Radio(["a", "b"]),
        gr.Dropdown([("One", 1), ("Two", 2)], multiselect=True, max_choices=1), gr.Image(),
        gr.Audio(), gr.Video(), gr.File(file_types=[".pdf", "image"]),
        gr.UploadButton(file_count="multiple"), gr.ImageEditor(), gr.Gallery(), gr.Model3D(),
        gr.MultimodalTextbox(), gr.Dataframe(headers=["x", "y"]), gr.JSON({"a": 1}),
        gr.DateTime(include_time=False), gr.ColorPicker("#00ff00"), gr.Code(language="python"),
    ]  # fmt: skip
    return gr.Interface(convert, parts, "text", api_name="convert")


def thirty() -> gr.Blocks:
    names = [f"weight_{n}" for n in range(28)]
    code = f"def blend(prompt, image, {', '.join(names)}):\n    return image"
    scope: dict[str, Any] = {}
    exec(code, scope)
    sliders = [gr.Slider(0, 1, 0.5, label=f"Weight of layer {n}") for n in range(28)]
    return gr.Interface(scope["blend"], [gr.Textbox(), gr.Image(), *sliders], "image")


def voices() -> gr.Blocks:
    def tts(text: str, voice: str, speed: float) -> str:
        return text + voice + str(speed)

    choices = [f"{land}-Voice{n}" for land in ("en-US", "de-DE", "ja-JP") for n in range(107)]
    return gr.Interface(
        tts,
        [gr.Textbox(label="Text to speak", lines=3),
         gr.Dropdown(choices, value="", label="Voice"), gr.Slider(-50, 50, 0, label="Speed (%)")],
        [gr.Audio(), gr.Markdown(visible=False)],
        title="Text to speech",
    )  # fmt: skip


def typed_choices() -> gr.Blocks:
    def resize(image: str, size: int, colours: list[str], model: str | None, tag: str) -> str:
        return image

    automatic: Any = [("Automatic", None), ("XL", "xl")]
    sizes = gr.Dropdown([("Small", 256), ("Large", 1024)], value=256, label="Size")
    return gr.Interface(
        resize,
        ["image", sizes, gr.CheckboxGroup([("Red", "r"), ("Green", "g")], label="Colours"),
         gr.Dropdown(automatic, value=None),
         gr.Dropdown(["new", "old"], allow_custom_value=True, value="new")],
        "image",
    )  # fmt: skip


def melody() -> gr.Blocks:
    def generate(text: str, melody: str, duration: float) -> str:
        return text

    return gr.Interface(
        generate,
        [gr.Textbox(label="Describe your music"), gr.Audio(label="Melody condition (optional)"),
         gr.Slider(1, 30, 10)],
        gr.Video(label="Generated Music"),
    )  # fmt: skip


def try_on() -> gr.Blocks:
    def tryon(person, garment, pose, negative, seed) -> str:
        return person

    return gr.Interface(
        tryon,
        [gr.Image(label="Person image"), gr.Image(label="Garment image"), gr.Image(label="Pose"),
         gr.Textbox(label="Negative prompt"), gr.Number(label="Seed", precision=0)],
        [gr.Image(label="Result"), gr.Image(label="Masked image", visible=False)],
    )  # fmt: skip


def numbered_images() -> gr.Blocks:
    def edit(image_1, image_2, image_3, instruction: str) -> str:
        return image_1

    images = [gr.Image(label=f"Image {n}") for n in (1, 2, 3)]
    return gr.Interface(edit, [*images, gr.Textbox(label="Instruction")], gr.Gallery())


def hidden() -> gr.Blocks:
    def infer(prompt, negative_prompt, size, mode, table, use_negative_prompt) -> str:
        return prompt

    with gr.Blocks(title="SDXL Lightning") as demo:
        prompt = gr.Text(label="Prompt", show_label=False, placeholder="Enter your prompt")
        negative = gr.Text(label="Negative prompt", visible=False)
        size = gr.Slider(256, 1024, 512, step=64, label="Width", visible=False)
        mode = gr.Textbox("fast", visible=False)
        table = gr.Dataframe([[n, n * n] for n in range(60)], visible=False)
        use = gr.Checkbox(label="Use negative prompt")
        use.change(lambda on: gr.update(visible=on), use, negative, api_visibility="private")
        parts = [prompt, negative, size, mode, table, use]
        gr.Button("Run").click(infer, parts, gr.Image())
    return demo


def folded() -> gr.Blocks:
    def upscale(image, prompt, notes, factor) -> str:
        return image

    with gr.Blocks(title="Upscaler") as demo:
        image = gr.Image(label="Image")
        with gr.Accordion("Advanced", open=False):
            prompt, notes = gr.Textbox(label="Prompt"), gr.Code(label="Notes")
            factor = gr.Radio([2, 4], value=2, label="Factor")
        gr.Button("Upscale").click(upscale, [image, prompt, notes, factor], gr.Image())
    return demo


def broken_bounds() -> gr.Blocks:
    def roll(sides: float, times: float, name: str) -> float:
        return sides * times

    return gr.Interface(
        roll,
        [gr.Number(3, minimum=4, maximum=20), gr.Slider(1, 6, 9, step=1),
         gr.Dropdown(["a", "b"], value="zzz", allow_custom_value=True)],
        "number",
    )  # fmt: skip


def own_components() -> gr.Blocks:
    with gr.Blocks(title="Dials") as demo:
        image, dial, set_dial = gr.Image(), Dial(label="Angle"), Dial(value={"angle": 3})
        gr.Button("Rotate").click(lambda i, d: i, [image, dial], gr.Image())
        gr.Button("Tilt").click(lambda i, d: i, [image, set_dial], gr.Image())
        gr.Button("Rate").click(lambda i, s: i, [image, Stars(label="Stars")], gr.Number())
        gr.Button("Turn").click(lambda i, h: i, [image, gr.HTML("<b>x</b>")], set_dial)
    return demo


def secrets() -> gr.Blocks:
    def ask(api_key: str, question: str, system_prompt: str) -> str:
        """Asks the oracle."""
        return question

    return gr.Interface(
        ask,
        [gr.Textbox(label="API key", type="password"), gr.Textbox(max_length=200),
         gr.Textbox("You are an oracle.", lines=5, label="System prompt")],
        gr.Markdown(),
    )  # fmt: skip


def many_files() -> gr.Blocks:
    def merge(files: list[str], folder: list[str], cover: str) -> str:
        return files[0]

    return gr.Interface(
        merge,
        [gr.File(file_count="multiple", file_types=[".pdf"], label="PDFs"),
         gr.File(file_count="directory", label="Folder"), gr.Image(label="Cover")],
        gr.DownloadButton("Download"),
    )  # fmt: skip


def typed_api() -> gr.Blocks:
    def add(a: int, b: float, names: list[str], note: str = "x", exact: bool = False) -> float:
        """Add two numbers."""
        return a + b

    def upper(text: str) -> str:
        return text.upper()

    with gr.Blocks(title="Typed") as demo:
        api(add)
        api(upper)
    return demo


def filled_later() -> gr.Blocks:
    def load_voice(voice: str, when: datetime.datetime, text: str) -> str:
        return voice

    with gr.Blocks() as demo:
        voice = gr.Dropdown(label="Voice")
        parts = [voice, gr.DateTime(label="When"), gr.Textbox(label="Text", value="Hello")]
        gr.Button("Speak").click(load_voice, parts, gr.Audio(), api_name="speak")
        demo.load(lambda: gr.update(choices=["a", "b"]), None, voice)
    return demo


def calculator() -> gr.Blocks:
    def calculator(num1: float, operation: str, num2: float) -> float:
        return num1 + num2

    radio = gr.Radio(["add", "subtract", "multiply", "divide"])
    return gr.Interface(calculator, ["number", radio, "number"], "number")


def question_about_a_picture() -> gr.Blocks:
    def answer(image: str, question: str, context: str, top_k: int | None = None) -> str:
        return question

    return gr.Interface(
        answer, ["image", "text", gr.Textbox(""), gr.Number(None, precision=0)], "label"
    )


def number_only() -> gr.Blocks:
    return gr.Interface(
        lambda n: n, gr.Number(label="How many coins?"), gr.Plot(label="Heads"), title="Coin flips"
    )


def typed_functions() -> gr.Blocks:
    def describe(
        name: str,
        age: int | None = None,
        tags: list[str] | None = None,
        kind: Literal["cat", "dog"] = "cat",
        nickname: str | None = None,
        toys: list[Literal["ball", "mouse"]] | None = None,
    ) -> str:
        """Describe an animal."""
        return name

    def statistics(
        numbers: list[float], digits: int = 2, limits: dict[str, float] | None = None
    ) -> dict[str, float]:
        """Mean and span of numbers."""
        return {}

    def count(ids: list[int], start: float | None = None, key: int | str = 0) -> int:
        return len(ids)

    with gr.Blocks(title="Only functions") as demo:
        for function in (describe, statistics, count):
            api(function, api_name=function.__name__)
    return demo


def signed_in() -> gr.Blocks:
    def publish(text: str, token: gr.OAuthToken) -> str:
        return text

    def draw(prompt: str, token: gr.OAuthToken | None) -> str:
        return prompt

    with gr.Blocks(title="Publisher") as demo:
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Published")
        gr.Button("Publish").click(publish, text, out)
        gr.Button("Draw").click(draw, text, out)
    return demo


APPS = [
    every_input, thirty, voices, typed_choices, melody, try_on, numbered_images, hidden, folded,
    broken_bounds, own_components, secrets, many_files, typed_api, filled_later, calculator,
    question_about_a_picture, number_only, typed_functions, signed_in,
]  # fmt: skip
