"""One app for every Gradio from 3.2 on: `python app.py PORT` serves it.

It runs in the environment of its version, so it imports nothing of this repository.
"""

from __future__ import annotations

import importlib
import math
import struct
import sys
import tempfile
import time
import wave
from pathlib import Path
from typing import Any

from PIL import Image

# Typed by none of the versions: each is another.
gr: Any = importlib.import_module("gradio")

VERSION = tuple(int(part) for part in gr.__version__.split(".")[:2])
MESSAGES = VERSION >= (5, 0)
FOLDER = Path(tempfile.mkdtemp(prefix="versions-"))
# The queue's length: one job at a time, and two that wait.
ROOM = 2
CITIES = {"France": ["Paris", "Lyon"], "Italy": ["Rome", "Florence"]}
PROGRESS = gr.Progress() if hasattr(gr, "Progress") else None


def greet(name: str, count: float, loud: bool, style: str) -> str:
    """Greet somebody as often as asked."""
    said = " ".join([f"{style} {name}"] * int(count))
    return said.upper() if loud else said


def draw(prompt: str, seed: float, progress: Any = PROGRESS) -> Any:
    """Draw a picture whose colour is its seed."""
    for step in range(3):
        if progress is not None:
            progress((step, 3), desc=f"Drawing {prompt}")
        time.sleep(0.4)
    seed = int(seed)
    return Image.new("RGB", (32, 24), (seed % 256, len(prompt), 0)), seed


def invert(picture: Any) -> Any:
    """Invert a picture."""
    return Image.fromarray(255 - picture)


def count(to: float) -> Any:
    """Count up, word by word."""
    said = ""
    for number in range(1, int(to) + 1):
        said += f"{number} "
        yield said
        time.sleep(0.3)


def tone(seconds: float) -> str:
    """Play a tone."""
    path = FOLDER / "tone.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, 8000, 0, "NONE", ""))
        for at in range(int(8000 * seconds)):
            out.writeframes(struct.pack("<h", int(9000 * math.sin(at / 3))))
    return str(path)


def measure(sound: str) -> str:
    """Say how long a sound is."""
    with wave.open(sound) as read:
        return f"{read.getnframes() / read.getframerate():.1f} s"


def fail(text: str) -> str:
    """Fail with a message."""
    raise gr.Error(f"No {text} here.")


def crash(text: str) -> str:
    """Fail with what nobody should see."""
    raise RuntimeError(f"secret {text}")


def remember(word: str, before: Any) -> Any:
    """Remember words."""
    words = [*(before or []), word]
    return ", ".join(words), words


def chat(message: str, history: Any) -> Any:
    """Answer a message, knowing what was said before."""
    history = list(history or [])
    said = len(history) // 2 if MESSAGES else len(history)
    answer = f"{message}? You said {said} before."
    if MESSAGES:
        turn = [{"role": "user", "content": message}, {"role": "assistant", "content": answer}]
        return "", [*history, *turn]
    return "", [*history, (message, answer)]


def pictures(count: float) -> Any:
    """Give several pictures with captions."""
    return [
        (Image.new("RGB", (16, 16), (0, 40 * n, 0)), f"number {n}")
        for n in range(1, int(count) + 1)
    ]


def classify(text: str) -> Any:
    """Say how sure it is."""
    return {"cat": 0.75, "dog": 0.25} if text else {}


def parse(text: str) -> Any:
    """Take a text apart."""
    return {"letters": len(text), "words": text.split()}


def double(table: Any) -> Any:
    """Double every number of a table."""
    return [[cell * 2 for cell in row] for row in table]


def tabulate(rows: float) -> Any:
    """Make a table."""
    return [[n, n * n] for n in range(1, int(rows) + 1)]


def path_of(file: Any) -> str:
    return str(getattr(file, "name", file))


def shout(paper: Any) -> str:
    """Return a text file in capitals."""
    path = FOLDER / "loud.txt"
    path.write_text(Path(path_of(paper)).read_text().upper())
    return str(path)


def bundle(papers: Any) -> Any:
    """Return every file numbered."""
    out = []
    for number, paper in enumerate(papers or [], 1):
        path = FOLDER / f"{number}.txt"
        path.write_text(f"{number}: {Path(path_of(paper)).read_text()}")
        out.append(str(path))
    return out


def film(clip: str) -> Any:
    """Return a video as it is."""
    return clip


def highlight(text: str) -> Any:
    """Mark every second word."""
    return [(word, "odd" if at % 2 else None) for at, word in enumerate(text.split())]


def note(seconds: float) -> None:
    """Write down that a function runs."""
    with (FOLDER / "ran").open("a") as out:
        out.write(f"{seconds:g}\n")


def wait(seconds: float) -> Any:
    """Take its time, step by step."""
    note(seconds)
    for step in range(int(seconds * 5)):
        yield f"step {step}"
        time.sleep(0.2)


def nap(seconds: float) -> str:
    """Say nothing for a while."""
    note(seconds)
    time.sleep(seconds)
    return "awake"


def plain(text: str) -> str:
    """Answer without a queue."""
    return f"plain {text}"


def stamp(text: str, kind: str) -> str:
    """Stamp a text as a draft or as final."""
    return f"{text} / {kind}"


def offer(country: str) -> Any:
    """Offer the cities of a country."""
    return gr.update(choices=CITIES[country], value=CITIES[country][0])


def guides() -> Any:
    """Offer the guides who are there today."""
    return gr.update(choices=["Ada", "Ben"], value="Ada")


def visit(country: str, city: str, guide: str) -> str:
    """Plan a week somewhere."""
    return f"A week in {city}, {country}, with {guide}"


def build() -> Any:
    """Make the app."""
    dialogue = {"type": "messages"} if (5, 0) <= VERSION < (6, 0) else {}
    with gr.Blocks(title="Every version") as demo:

        def ends(
            name: str, function: Any, inputs: list[Any], outputs: list[Any], **more: Any
        ) -> None:
            gr.Button(name.capitalize()).click(function, inputs, outputs, api_name=name, **more)

        ends(
            "greet",
            greet,
            [
                gr.Textbox(label="Name"),
                gr.Number(
                    value=2, label="Count", **({"precision": 0} if VERSION >= (3, 5) else {})
                ),
                gr.Checkbox(label="Loud"),
                gr.Dropdown(choices=["Hello", "Goodbye"], value="Hello", label="Style"),
            ],
            [gr.Textbox(label="Greeting")],
        )
        ends(
            "draw",
            draw,
            [gr.Textbox(label="Prompt"), gr.Slider(0, 255, value=7, step=1, label="Seed")],
            [gr.Image(label="Drawing"), gr.Number(label="Used seed")],
        )
        ends("invert", invert, [gr.Image(label="Picture")], [gr.Image(label="Inverted")])
        ends("count", count, [gr.Number(value=3, label="To")], [gr.Textbox(label="Counted")])
        ends("tone", tone, [gr.Number(value=0.5, label="Seconds")], [gr.Audio(label="Tone")])
        ends(
            "measure",
            measure,
            [gr.Audio(type="filepath", label="Sound")],
            [gr.Textbox(label="Length")],
        )
        ends("fail", fail, [gr.Textbox(label="Text")], [gr.Textbox(label="Never")])
        ends("crash", crash, [gr.Textbox(label="Text")], [gr.Textbox(label="Never")])
        kept = gr.State([])
        ends(
            "remember",
            remember,
            [gr.Textbox(label="Word"), kept],
            [gr.Textbox(label="Words"), kept],
        )
        message, dialog = gr.Textbox(label="Message"), gr.Chatbot(label="History", **dialogue)
        ends("chat", chat, [message, dialog], [message, dialog])
        ends(
            "pictures",
            pictures,
            [gr.Number(value=2, label="Count")],
            [gr.Gallery(label="Pictures")],
        )
        ends("classify", classify, [gr.Textbox(label="Text")], [gr.Label(label="Kind")])
        ends("parse", parse, [gr.Textbox(label="Text")], [gr.JSON(label="Parts")])
        table = {"headers": ["a", "b"], "datatype": "number", "type": "array"}
        ends(
            "double",
            double,
            [gr.Dataframe(value=[[1, 2]], label="Table", **table)],
            [gr.Dataframe(label="Doubled", headers=["a", "b"])],
        )
        ends("shout", shout, [gr.File(label="Paper")], [gr.File(label="Loud")])
        ends(
            "bundle",
            bundle,
            [gr.File(label="Papers", file_count="multiple")],
            [gr.File(label="Bundle", file_count="multiple")],
        )
        ends("film", film, [gr.Video(label="Clip")], [gr.Video(label="Film")])
        ends(
            "highlight", highlight, [gr.Textbox(label="Text")], [gr.HighlightedText(label="Marked")]
        )
        ends("wait", wait, [gr.Number(value=3, label="Seconds")], [gr.Textbox(label="Waited")])
        ends("nap", nap, [gr.Number(value=1, label="Seconds")], [gr.Textbox(label="Slept")])
        ends("plain", plain, [gr.Textbox(label="Text")], [gr.Textbox(label="Answer")], queue=False)
        kind = gr.Radio(["draft", "final"], value="draft", visible=False, label="Kind")
        script = {"js" if VERSION >= (4, 0) else "_js": "(text, kind) => [text, 'final']"}
        stamped = gr.Textbox(label="Stamped")
        ends("stamp", stamp, [gr.Textbox(label="Text"), kind], [stamped], **script)
        country = gr.Dropdown(choices=list(CITIES), value="France", label="Country")
        city = gr.Dropdown(choices=CITIES["France"], value="Paris", label="City")
        guide = gr.Dropdown(choices=[], label="Guide")
        ends("visit", visit, [country, city, guide], [gr.Textbox(label="Plan")])
        country.change(offer, [country], [city])
        demo.load(guides, None, [guide])
    return demo


def main() -> None:
    """Serve the app until somebody ends the process."""
    demo = build()
    # From 4 on, each function runs one job at a time of itself.
    one = {"concurrency_count": 1} if VERSION < (4, 0) else {}
    # As on Hugging Face: queued functions are only called through the queue.
    closed = {"api_open": False} if VERSION >= (3, 16) else {}
    demo.queue(max_size=ROOM, **closed, **one)
    demo.launch(server_name="127.0.0.1", server_port=int(sys.argv[1]), quiet=True)


if __name__ == "__main__":
    main()
