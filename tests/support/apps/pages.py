"""Pages that change themselves: lists that depend on each other, what opens with the page."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Any

import gradio as gr

CITIES = {"France": ["Paris", "Lyon"], "Italy": ["Rome", "Florence"], "Japan": ["Tokyo"]}
STREETS = {
    "Paris": ["Rivoli"], "Lyon": ["Merciere"], "Rome": ["Corso", "Condotti"],
    "Florence": ["Calzaiuoli"], "Tokyo": ["Ginza"],
}  # fmt: skip
VOICES = ["alto", "tenor", "bass"]
SIZES = {"small": (64, 512), "large": (256, 2048)}
# How often each function was called.
CALLS: Counter[str] = Counter()
# The slow event goes on when told to.
GO_ON = threading.Event()


def offer(country: str) -> Any:
    """Offer a country's cities."""
    CALLS["offer"] += 1
    return gr.Dropdown(choices=CITIES[country], value=CITIES[country][0])


def streets(city: str) -> Any:
    """Offer a city's streets."""
    CALLS["streets"] += 1
    return gr.Dropdown(choices=STREETS[city], value=STREETS[city][0])


def visit(country: str, city: str, street: str) -> str:
    """Plan a week."""
    return f"A week in {street}, {city}, {country}"


def travel() -> None:
    """Three lists, each depending on the one before."""
    country = gr.Dropdown(list(CITIES), value="France", label="Country")
    city = gr.Dropdown(CITIES["France"], value="Paris", label="City")
    street = gr.Dropdown(STREETS["Paris"], value="Rivoli", label="Street")
    plan = gr.Textbox(label="Plan")
    country.change(offer, country, city, api_visibility="private")
    city.change(streets, city, street, queue=False)
    gr.Button("Go").click(visit, [country, city, street], plan, api_name="visit")


def speak(page: gr.Blocks) -> None:
    """Voices that come when the page opens, and what a session keeps since then."""
    text = gr.Textbox(label="Text")
    voice = gr.Dropdown([], label="Voice")
    greeting = gr.State("nothing")
    said = gr.Textbox(label="Said")
    gr.Button("Say").click(
        lambda text, voice, greeting: f"{greeting} {voice}: {text}",
        [text, voice, greeting], said, api_name="say",
    )  # fmt: skip
    page.load(
        lambda: gr.Dropdown(choices=VOICES, value="alto"), None, voice, api_visibility="private"
    )
    page.load(lambda: "hello", None, greeting, api_visibility="private")


def draw(page: gr.Blocks) -> None:
    """A seed that is new for every session; a range and a field that open with the page."""
    seed = gr.Slider(0, 10**6, step=1, randomize=True, label="Seed")
    steps = gr.Slider(1, 10, 5, step=1, label="Steps")
    lora = gr.Dropdown(["none"], value="none", visible=False, label="Lora")
    drawn = gr.Textbox(label="Drawn")
    gr.Button("Draw").click(
        lambda *given: " ".join(map(str, given)), [seed, steps, lora], drawn, api_name="draw"
    )

    def opens() -> Any:
        CALLS["opens"] += 1
        return gr.Slider(1, 50, value=25), gr.Dropdown(["none", "manga"], visible=True)

    page.load(opens, None, [steps, lora], api_visibility="private")


def sizes() -> None:
    """A range that the model decides, a failing event, a slow event, an event that is a command."""
    model = gr.Radio(list(SIZES), value="small", label="Model")
    width = gr.Slider(64, 512, 128, step=64, label="Width")
    style = gr.Textbox("plain", label="Style")
    note = gr.Textbox("unset", label="Note")
    made = gr.Textbox(label="Made")

    def resize(model: str) -> Any:
        low, high = SIZES[model]
        return gr.Slider(low, high, value=low, step=64)

    def styled(style: str) -> str:
        CALLS["styled"] += 1
        if style == "broken":
            raise gr.Error("That style is broken.")
        return f"note of {style}"

    def slow(_model: str) -> str:
        CALLS["slow"] += 1
        GO_ON.wait(20)
        return "too late"

    def make(model: str, width: float, style: str, note: str) -> tuple[str, str]:
        CALLS["make"] += 1
        return f"{model} {int(width)} {style} [{note}]", "made"

    model.change(resize, model, width, api_visibility="private")
    model.change(slow, model, note, api_visibility="private")
    style.blur(styled, style, note, api_visibility="private")
    inputs = [model, width, style, note]
    gr.on([gr.Button("Make").click, style.change], make, inputs, [made, note], api_name="make")


def video(clips: gr.Tab, stills: gr.Tab) -> None:
    """A hidden list that the open tab sets, a list that nothing sets, a text that another fills."""
    mode = gr.Dropdown(["image to video", "text to video"], visible=False, label="Mode")
    model = gr.Radio(["5B", "14B"], value="5B", visible=False, label="Model size")
    found = gr.Textbox(visible=False, label="Found")
    with clips:
        prompt = gr.Textbox(label="Prompt")
        clip = gr.Textbox(label="Clip")
        gr.Button("Film").click(
            lambda *given: " / ".join(given), [prompt, mode, model, found], clip, api_name="film"
        )
    with stills:
        picture = gr.Image(label="Picture")
        gr.Button("Look").click(lambda _: "a cat", picture, found, api_name="look")
    clips.select(None, None, mode, js="() => 'text to video'")
    stills.select(lambda: "image to video", None, mode, api_visibility="private")


def buttons() -> None:
    """Two buttons for one function: each sets the hidden mode, by its script or its chain."""
    mode = gr.Radio(["draft", "final"], value="draft", visible=False, label="Mode")
    text = gr.Textbox(label="Text")
    with gr.Accordion("Advanced", open=False), gr.Tab("Colours"):
        colour = gr.Dropdown(["red", "blue"], value="red", label="Box colour")
    made = gr.Textbox(label="Printed")

    def show(text: str, mode: str, colour: str) -> str:
        return f"{text} / {mode} / {colour}"

    inputs = [text, mode, colour]
    gr.Button("Print").click(
        show, inputs, made, api_name="print", js="(text, mode, colour) => [text, 'final', colour]"
    )
    gr.Button("Proof").click(lambda: "final", None, mode, api_visibility="private").then(
        show, inputs, made, api_name="proof"
    )
    gr.Button("Sketch").click(show, inputs, made, api_name="sketch")


def search() -> None:
    """A list that is looked up for what is typed into another field."""
    query = gr.Textbox("a", label="Query")
    match = gr.Dropdown(["a one", "a two"], value="a one", label="Match")
    picked = gr.Textbox(label="Picked")

    def find(query: str) -> Any:
        CALLS["find"] += 1
        if query == "slow":
            GO_ON.wait(20)
        return gr.Dropdown(choices=[f"{query} one", f"{query} two"], value=f"{query} one")

    query.change(find, query, match, api_visibility="private")
    gr.Button("Pick").click(lambda *given: str(given), [query, match], picked, api_name="pick")


def build() -> gr.Blocks:
    """Build the app."""
    with gr.Blocks(title="Pages", analytics_enabled=False) as blocks:
        with gr.Tab("Travel"):
            travel()
        with gr.Tab("Speak"):
            speak(blocks)
        with gr.Tab("Draw"):
            draw(blocks)
        with gr.Tab("Sizes"):
            sizes()
        with gr.Tab("Search"):
            search()
        with gr.Tab("Print"):
            buttons()
        clips, stills = gr.Tab("Clips"), gr.Tab("Stills")
        video(clips, stills)
    return blocks.queue(default_concurrency_limit=20)


def wait_until(told: Any, seconds: float = 10) -> None:
    """Wait for something that another thread does."""
    end = time.monotonic() + seconds
    while not told() and time.monotonic() < end:
        time.sleep(0.01)
