"""Pages whose button starts a chain: a seed is drawn, a picture is prepared, then it is used."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gradio as gr
from PIL import Image, ImageOps


def check(picture: Image.Image | None) -> None:
    """Refuse to begin without a picture."""
    if picture is None:
        raise gr.Error("No picture was given.")


def prepare(picture: Image.Image, invert: bool) -> tuple[Image.Image, dict[str, Any]]:
    """Make the picture ready, and keep its size for the step after it."""
    if picture.width < 4:
        raise gr.Error("The picture is too small.")
    return ImageOps.invert(picture) if invert else picture, {"width": picture.width}


def model(picture: Image.Image, kept: dict[str, Any] | None, detail: int) -> dict[str, Any]:
    """Make a model of what was prepared."""
    return {"colour": picture.convert("RGB").getpixel((0, 0)), "kept": kept, "detail": detail}


def get_seed(randomize_seed: bool, seed: int) -> int:
    """Draw a seed, where one is to be drawn."""
    return random.randint(1000, 9999) if randomize_seed else int(seed)


def draw(prompt: str, seed: int) -> str:
    """Tell what would be drawn."""
    if "void" in prompt:
        raise gr.Error("There is nothing to draw.")
    return f"{prompt} with {int(seed)}"


def recite(words: str) -> str:
    """Recite words in capitals."""
    if "storm" in words:
        raise gr.Error("The voice is lost.")
    return words.upper()


def whisper(words: str, volume: float) -> str:
    """Say in small letters what could not be recited."""
    if "thunder" in words:
        raise gr.Error("Nothing can be heard.")
    return f"{words.lower()} at {volume:g}"


def collect(poem: str, poems: list[str]) -> list[str]:
    """Keep a poem in the session."""
    return [*poems, poem]


def burn(poem: str) -> str:
    """Write a poem down, unless that ends badly."""
    if "FIRE" in poem:
        raise gr.Error("The paper burnt.")
    return f"{len(poem)} letters"


def tell(plot: str) -> str:
    """Tell a story."""
    return f"a story of {plot}"


def summarise(story: str) -> Iterator[str]:
    """Summarise a story bit by bit, unless it is too sad, too dear or too long."""
    if "gold" in story:
        raise gr.Error(
            "You have exceeded your free ZeroGPU quota (60s requested vs. 12s left). "
            "Try again in 0:45:00",
            title="ZeroGPU quota exceeded",
        )
    for _ in range(600 if "saga" in story else 0):
        time.sleep(0.1)
        yield ""
    yield "In short"
    if "storm" in story:
        raise gr.Error("No summary today.")
    yield f"In short: {story}"


def sketch(subject: str) -> tuple[str, str, str]:
    """Sketch something, and tell how that went."""
    return f"sketch of {subject}", "quickly", "still in pencil"


def ink(drawing: str, strokes: int | None) -> tuple[str, int]:
    """Draw over a sketch in ink."""
    if "rock" in drawing:
        raise gr.Error("The ink ran out.")
    return f"ink over {drawing}", (strokes or 0) + 1


def tune(pitch: float) -> float:
    """Bring a pitch into range."""
    if pitch > 9:
        raise gr.Error("No string is that tight.")
    return pitch / 2


def play(pitch: float) -> str:
    """Play a pitch."""
    if pitch > 99:
        raise gr.Error("The string broke.")
    return f"played {pitch:g}"


def carve(wood: str) -> str:
    """Carve a figure."""
    if wood == "stone":
        raise gr.Error("The knife is blunt.")
    return f"carved {wood}"


def polish(figure: str) -> str:
    """Polish a figure, which no API lists."""
    return f"polished {figure}"


def measure(log: float) -> float:
    """Measure a log, which no API lists."""
    return log * 2


def saw(length: float | None) -> str:
    """Saw what was measured."""
    return f"{length or 0:g} planks"


def read_book(path: str) -> list[str]:
    """Keep the lines of a book in the session."""
    if not (text := Path(path).read_text()):
        raise gr.Error("The book is empty.")
    return text.splitlines()


def search(asked: str, lines: list[str] | None) -> str:
    """Look a word up in the book, if there is one."""
    return next((line for line in lines if asked in line), "-") if lines else "no book"


def admit(n: float, t: str) -> str:
    """Let somebody in."""
    return f"{t}, {n:g}, is in"


def grown(n: float, t: str) -> list[dict[str, Any]]:
    """Check who comes in."""
    return [gr.validate(n > 17, "too young"), gr.validate(len(t) > 2, "too short")]


def look(picture: Image.Image, question: str) -> str:
    """Answer a question about a picture, or tell what it shows."""
    if not question and picture.width < 4:
        raise gr.Error("There is too little to see.")
    return f"{question or 'caption'}: {picture.width} wide"


def both(one: str, two: str) -> str:
    """Name two things."""
    return f"{one} and {two}"


def build() -> gr.Blocks:
    """Build the app: buttons, each with a chain of named endpoints."""
    with gr.Blocks(title="Chained", analytics_enabled=False) as blocks:
        picture = gr.Image(label="Picture", type="pil")
        invert = gr.Checkbox(True, label="Invert")
        prepared = gr.Image(label="Prepared", type="pil", format="png", interactive=False)
        kept, made = gr.State(), gr.JSON(label="Model")
        detail = gr.Slider(1, 9, 5, step=1, label="Detail")
        checked = gr.Button("Make a model").click(check, picture)
        ready = checked.success(prepare, [picture, invert], [prepared, kept])
        ready.success(model, [prepared, kept, detail], made)
        prompt, drawn = gr.Textbox(label="Prompt"), gr.Textbox(label="Drawn")
        randomize = gr.Checkbox(True, label="Randomize seed")
        seed = gr.Slider(0, 9999, 0, step=1, label="Seed")
        started = gr.Button("Draw").click(get_seed, [randomize, seed], seed)
        started.then(draw, [prompt, seed], drawn)
        words, recited = gr.Textbox(label="Words"), gr.Textbox(label="Recited")
        whispered, volume = gr.Textbox(label="Whispered"), gr.Number(3, label="Volume")
        spoken = gr.Button("Recite").click(recite, words, recited)
        spoken.failure(whisper, [words, volume], whispered)
        pitch, tone = gr.Number(4, label="Pitch"), gr.Textbox(label="Tone")
        gr.Button("Play").click(tune, pitch, pitch).then(play, pitch, tone)
        theme, poem = gr.Textbox(label="Theme"), gr.Textbox(label="Poem", interactive=False)
        poems, count = gr.State([]), gr.JSON(label="Collected")
        verses, fate = gr.Textbox(label="Written down"), gr.Textbox(label="Fate")
        written = gr.Button("Write").click(recite, theme, poem, api_name="write")
        collected = written.success(collect, [poem, poems], poems, api_name="collect")
        collected.success(lambda kept: kept, poems, count, api_name="count")
        collected.then(lambda: "", None, theme, api_name="clear")
        written.then(lambda: "The ink is dry.", None, fate, api_name="dry")
        written.success(burn, poem, verses, api_name="burn")
        plot, story = gr.Textbox(label="Plot"), gr.Textbox(label="Story", interactive=False)
        told = gr.Button("Tell").click(tell, plot, story)
        told.then(summarise, story, gr.Textbox(label="Summary"))
        subject, strokes = gr.Textbox(label="Subject"), gr.State()
        drawing, pace = gr.Textbox(label="Drawing"), gr.Textbox(label="Pace", interactive=False)
        stage = gr.Textbox(label="Stage", interactive=False)
        sketched = gr.Button("Sketch").click(sketch, subject, [drawing, pace, stage])
        inked = sketched.then(ink, [drawing, strokes], [drawing, strokes], api_name="ink")
        inked.then(lambda: gr.update(visible=False), None, stage, api_name="put_away")
        inked.success(lambda: "patiently", None, pace, api_name="tell_pace")
        inked.then(lambda: "", None, subject, api_name="next_subject")
        wood, figure = gr.Textbox(label="Wood"), gr.Textbox(label="Figure")
        carved = gr.Button("Carve").click(carve, wood, figure)
        polished = carved.success(polish, figure, figure, api_visibility="private")
        polished.then(lambda it: f"{it}, signed", figure, figure, api_visibility="undocumented")
        log, length = gr.Number(8, label="Log"), gr.State()
        planks = gr.Textbox(label="Planks")
        gr.Button("Saw").click(measure, log, length, api_visibility="private").then(
            saw, length, planks
        )
        book, lines = gr.UploadButton("Upload a book"), gr.State()
        book.upload(read_book, book, lines)
        asked, found = gr.Textbox(label="Asked"), gr.Textbox(label="Found")
        gr.Button("Search").click(search, [asked, lines], found)
        sheet, notes = gr.File(label="Sheet"), gr.Textbox(label="Notes", visible=False)
        sheet.change(lambda path: Path(path).read_text(), sheet, notes, api_visibility="private")
        sung = gr.Textbox(label="Sung")
        gr.Button("Sing").click(lambda notes: f"la {notes}", notes, sung, api_name="sing")
        who = [gr.Number(18, label="Age"), gr.Textbox(label="Nickname")]
        gr.Button("Admit").click(admit, who, gr.Textbox(label="Door"), validator=grown)
        seen, question = gr.Image(label="Seen", type="pil"), gr.Textbox(label="Question")
        gr.Button("Look").click(look, [seen, question], gr.Textbox(label="Looks like"))
        twice = gr.Textbox(label="Twice")
        gr.Button("Mirror").click(both, [words, words], twice, api_name="mirror")
        egg, chick = gr.Textbox(label="Egg"), gr.Textbox(label="Chick", interactive=False)
        hatched = gr.Button("Hatch").click(recite, egg, chick, api_name="hatch")
        hatched.then(both, [chick, chick], gr.Textbox(label="Twins"), api_name="twins")
    return blocks.queue(default_concurrency_limit=20)
