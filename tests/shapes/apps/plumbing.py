"""Apps with endpoints that serve the page rather than a person."""

from collections.abc import Iterator
from typing import Any

import gradio as gr


def chain() -> gr.Blocks:
    def clear_output() -> None:
        return None

    def make_video(prompt: str, seed: float) -> Iterator[str]:
        yield prompt

    def enable_buttons() -> Any:
        return gr.update(interactive=True)

    with gr.Blocks(title="Video maker") as demo:
        prompt, seed = gr.Textbox(label="Prompt"), gr.Number(0, label="Seed")
        out, status = gr.Video(label="Video"), gr.Textbox(label="Status")
        button = gr.Button("Make")
        button.click(clear_output, None, out).then(make_video, [prompt, seed], [out, status]).then(
            enable_buttons, None, status
        )
    return demo


def lambda_chain() -> gr.Blocks:
    with gr.Blocks(title="Poet") as demo:
        topic, poem = gr.Textbox(label="Topic"), gr.Textbox(label="Poem")
        topic.submit(lambda: "", None, poem).then(lambda t: t, topic, poem).success(
            lambda: gr.Info("Done")
        )
    return demo


def page_events() -> gr.Blocks:
    def search(query: str) -> list[str]:
        return [query]

    def show_details(event: gr.SelectData) -> str:
        return str(event.index)

    with gr.Blocks(title="Picture search") as demo:
        query, found, details = gr.Textbox(label="Query"), gr.Gallery(label="Found"), gr.JSON()
        button = gr.Button("Search", variant="primary")
        gr.on([button.click, query.submit], search, query, found)
        found.select(show_details, None, details)
        demo.load(lambda: "Welcome", None, gr.Markdown())
        gr.Timer(5).tick(lambda: 3, None, gr.Number(label="Visitors"))
        gr.Examples(["cat", "dog"], query, found, search)
    return demo


def toggles() -> gr.Blocks:
    def on_mode_change(mode: str) -> Any:
        return gr.update(visible=mode == "url"), gr.update(visible=mode == "file")

    def toggle_advanced(state: bool) -> Any:
        return gr.update(visible=state)

    def transcribe(mode: str, url: str, file: str, beams: float) -> str:
        return url

    with gr.Blocks() as demo:
        gr.Markdown("# Transcriber")
        mode = gr.Radio(["url", "file"], value="url", label="Mode")
        url, file = gr.Textbox(label="URL", value=""), gr.Audio(label="File")
        beams = gr.Slider(1, 8, 4, label="Beams")
        mode.change(on_mode_change, mode, [url, file])
        gr.Checkbox(label="Advanced").change(toggle_advanced, mode, beams)
        gr.Button("Transcribe").click(
            transcribe, [mode, url, file, beams], gr.Textbox(label="Text")
        )
    return demo


def twins() -> gr.Blocks:
    def translate(text: str) -> str:
        return text

    with gr.Blocks(title="Translator") as demo:
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Translation")
        text.submit(translate, text, out)
        gr.Button("Translate").click(translate, text, out)
        text.change(translate, text, out)
    return demo


def utilities() -> gr.Blocks:
    def generate(prompt: str, seed: int) -> str:
        return prompt

    def randomize_seed() -> int:
        return 4

    def interrupt() -> None:
        return None

    def reset() -> Any:
        return "", None

    def save_feedback(prompt: str) -> None:
        return None

    def enhance_prompt(prompt: str) -> str:
        return prompt + ", 8k"

    with gr.Blocks(title="Painter") as demo:
        prompt, seed, out = gr.Textbox(label="Prompt"), gr.Number(1, label="Seed"), gr.Image()
        run = gr.Button("Generate").click(generate, [prompt, seed], out)
        gr.Button("🎲").click(randomize_seed, None, seed)
        gr.Button("Stop").click(interrupt, cancels=[run])
        gr.Button("Clear").click(reset, None, [prompt, out])
        gr.Button("👍").click(save_feedback, prompt, None)
        gr.Button("✨ Enhance").click(enhance_prompt, prompt, prompt)
    return demo


def looks() -> gr.Blocks:
    i18n = gr.I18n(en={"name": "Your name", "who": "Ann"})

    def add_items(new_items, cart):
        return [*cart, *new_items]

    with gr.Blocks() as demo:
        cart, score = gr.State([]), gr.Markdown("# Score: 0")
        items = gr.CheckboxGroup(["Cereal", "Milk"], label="Items")
        gr.Button("Add Items").click(add_items, [items, cart], cart)
        cart.change(lambda cart: f"# Score: {len(cart)}", cart, score)
        name, greeting = gr.Textbox(i18n("who"), label=i18n("name")), gr.Textbox(label="Greeting")
        gr.Button("Greet").click(lambda name: name, name, greeting)
        gr.Button("Hide").click(lambda: gr.update(visible=False), None, greeting)
        name.submit(lambda: "", None, name)
        timer = gr.Timer(1)
        gr.Button("Faster").click(lambda: gr.Timer(0.5), None, timer)
    demo.config["i18n_translations"] = i18n.translations_dict
    return demo


def only_load() -> gr.Blocks:
    with gr.Blocks(title="Weather now") as demo:
        demo.load(lambda: "sunny", None, gr.Textbox(label="Weather"))
    return demo


def only_change() -> gr.Blocks:
    with gr.Blocks(title="Live area") as demo:
        width, height = gr.Slider(1, 9, 3, label="Width"), gr.Slider(1, 9, 3, label="Height")
        area = gr.Number(label="Area")
        gr.on([width.change, height.change], lambda w, h: w * h, [width, height], area)
    return demo


def nothing_to_call() -> gr.Blocks:
    with gr.Blocks(title="Brochure") as demo:
        gr.Markdown("# Read me")
        gr.Button("More").click(None, None, None, js="() => alert(1)")
    return demo


def webcam() -> gr.Blocks:
    def flip(frame: Any) -> Any:
        return frame

    def count(image: Any) -> str:
        return "3"

    with gr.Blocks(title="Mirror") as demo:
        camera, shown = gr.Image(sources=["webcam"], label="Camera"), gr.Image(label="Mirror")
        camera.stream(flip, camera, shown)
        gr.Button("Count faces").click(count, camera, gr.Textbox(label="Faces"))
    return demo


def random_picture() -> gr.Blocks:
    with gr.Blocks(title="Cats") as demo:
        gr.Button("Another cat!").click(lambda: "cat.png", None, gr.Image(label="Cat"))
    return demo


def kept_private() -> gr.Blocks:
    with gr.Blocks(title="Mixed") as demo:
        text, out = gr.Textbox(label="Text"), gr.Textbox(label="Out")
        gr.Button("A").click(lambda t: t, text, out, api_name="count_words")
        gr.Button("B").click(lambda t: t, text, out, api_visibility="private")
        gr.Button("C").click(lambda t: t, text, out, api_visibility="undocumented")
    return demo


def three_hundred() -> gr.Blocks:
    """A web UI with 305 endpoints, one of which is wanted and takes 302 parameters."""
    with gr.Blocks(title="Web UI") as demo:
        prompt, out = gr.Textbox(label="Prompt"), gr.Gallery(label="Images")
        dials = [gr.Slider(0, 9, 1, label=f"Script argument {n}") for n in range(301)]
        button = gr.Button("Generate", variant="primary")
        button.click(lambda *a: a, [prompt, *dials], out, api_name="txt2img")
        gr.Button("Interrupt").click(lambda: None, None, out, api_name="interrupt")
        for number, dial in enumerate(dials):
            dial.change(lambda v: v, dial, dial, api_name=f"update_script_{number}")
        gr.Button("🔄").click(lambda: 1, None, dials[0], api_name="refresh_checkpoints")
        gr.Button("📋").click(lambda p: p, prompt, prompt, api_name="paste_params")
    return demo


def thirty_tools() -> gr.Blocks:
    """More endpoints than one command has room for."""
    with gr.Blocks(title="Thirty tools") as demo:
        image = gr.Image(label="Image")
        for number in range(30):
            kind = gr.Image() if number % 2 else gr.Textbox()
            gr.Button(f"Tool {number}").click(lambda i: i, image, kind, api_name=f"tool{number}")
    return demo


def steps_with_state() -> gr.Blocks:
    def preprocess_image(image: str) -> str:
        return image

    def image_to_3d(image: str, seed: int, steps: int) -> Any:
        return {}, image

    def extract_glb(state: Any, simplify: float) -> Any:
        return "x.glb", "x.glb"

    with gr.Blocks() as demo:
        gr.Markdown("## Image to 3D Asset with [Forms](https://x.y)\n# **3D** Forms")
        image, state = gr.Image(label="Image Prompt", image_mode="RGBA"), gr.State()
        seed, steps = gr.Slider(0, 99, 0, step=1, label="Seed"), gr.Slider(1, 50, 12, step=1)
        video, model = gr.Video(label="Generated 3D Asset"), gr.Model3D(label="GLB")
        image.upload(preprocess_image, image, image)
        gr.Button("Generate").click(image_to_3d, [image, seed, steps], [state, video])
        ratio = gr.Slider(0.9, 0.98, 0.95, label="Simplify")
        gr.Button("Extract GLB").click(extract_glb, [state, ratio], [model, gr.DownloadButton()])
    return demo


def dynamic_rows() -> gr.Blocks:
    """A dialogue for a voice model: twenty rows, each with buttons for tags and for itself."""

    def insert_laugh(text: str) -> str:
        return text + " [laugh]"

    def add_row(count: int) -> Any:
        return [count + 1, *[gr.update(visible=True)] * 20]

    def speak(*lines: str) -> Any:
        return "a.wav"

    with gr.Blocks(title="Dialogue") as demo:
        count, rows = gr.State(1), []
        for number in range(20):
            with gr.Row(visible=number == 0):
                rows.append(gr.Textbox("", label=f"Line {number + 1}"))
                gr.Button("😂").click(insert_laugh, rows[-1], rows[-1])
                gr.Button("🗑️", visible=number == 0).click(lambda: "", None, rows[-1])
        gr.Button("Add a row").click(add_row, count, [count, *rows])
        gr.Button("Speak", variant="primary").click(speak, rows, gr.Audio(label="Speech"))
    return demo


def session_setters() -> gr.Blocks:
    def set_system_prompt(prompt: str, chat: Any) -> Any:
        return chat, "Saved."

    def change_model(name: str) -> str:
        return f"{name} is loaded."

    def respond(message: str, chat: Any) -> Any:
        return "", chat

    with gr.Blocks(title="Persona chat") as demo:
        chat, message = gr.Chatbot(label="Chat"), gr.Textbox(label="Message")
        system, told = gr.Textbox("", label="System prompt"), gr.Markdown()
        model, status = gr.Dropdown(["small", "large"], label="Model"), gr.Textbox(label="Status")
        kept = gr.State()
        gr.Button("Apply").click(set_system_prompt, [system, kept], [kept, told])
        gr.Button("Load model").click(change_model, model, status)
        message.submit(respond, [message, chat], [message, chat])
    return demo


def upscaled_after() -> gr.Blocks:
    """Pictures, then one of them larger, by a hidden path and the index of what was picked."""

    def generate(prompt: str, seed: int) -> Any:
        return [], "path"

    def pick(event: gr.SelectData) -> int:
        return event.index

    def upscale(path: str, selected: int, prompt: str, factor: float) -> str:
        return path

    with gr.Blocks(title="Pictures") as demo:
        prompt, seed = gr.Textbox(label="Prompt"), gr.Number(0, label="Seed", precision=0)
        gallery, path = gr.Gallery(label="Pictures"), gr.Textbox(visible=False)
        chosen, factor = gr.Number(0, visible=False, precision=0), gr.Slider(2, 4, 2, step=1)
        gr.Button("Generate").click(generate, [prompt, seed], [gallery, path])
        gallery.select(pick, None, chosen)
        gr.Button("Upscale").click(upscale, [path, chosen, prompt, factor], gr.Image(label="Big"))
    return demo


def read_aloud_after() -> gr.Blocks:
    """What is only shown on the page is taken by the next button."""

    def transcribe(sound: str) -> str:
        return sound

    def summarise(transcript: str, length: float) -> str:
        return transcript

    with gr.Blocks(title="Minutes") as demo:
        sound, transcript = gr.Audio(label="Meeting"), gr.Markdown(label="Transcript")
        length, summary = gr.Slider(1, 9, 3, label="Sentences"), gr.Textbox(label="Summary")
        gr.Button("Transcribe").click(transcribe, sound, transcript)
        gr.Button("Summarise").click(summarise, [transcript, length], summary)
    return demo


def set_by_scripts() -> gr.Blocks:
    """A mode that the open tab's script sets, and a mode that a button's own script passes on."""

    def film(prompt: str, mode: str) -> Any:
        return None

    def stamp(text: str, kind: str, seed: float) -> str:
        return text

    with gr.Blocks(title="Scripts") as demo:
        mode = gr.Dropdown(["image to video", "text to video"], visible=False, label="Mode")
        with gr.Tab("Text to video") as clips:
            prompt, clip = gr.Textbox(label="Prompt"), gr.Video(label="Clip")
            gr.Button("Film").click(film, [prompt, mode], clip)
        with gr.Tab("Stamps"):
            text, kind = gr.Textbox(label="Text"), gr.Radio(["draft", "final"], label="Kind")
            seed, stamped = gr.Slider(0, 9, 1, label="Seed"), gr.Textbox(label="Stamped")
            gr.Button("Stamp").click(
                stamp, [text, kind, seed], stamped, js="(text, kind, seed) => [text, 'final', seed]"
            )
            gr.Button("Roll").click(None, None, seed, js="() => Math.random() * 9")
        clips.select(None, None, mode, js="() => 'text to video'")
    return demo


def named_like_plumbing() -> gr.Blocks:
    """Buttons whose names sound like the page's own, though most fill a field of their own."""

    def random_poem() -> str:
        return "Roses are red"

    def show_joke() -> str:
        return "Knock, knock"

    def new_conversation_topic() -> str:
        return "Tea or coffee?"

    def random_name() -> str:
        return "Ann"

    def save_settings() -> str:
        return "Saved"

    def greet(name: str) -> tuple[str, str]:
        return f"Hello {name}", "Done"

    with gr.Blocks(title="Small talk") as demo:
        name, greeting = gr.Textbox(label="Name"), gr.Textbox(label="Greeting")
        joke, status = gr.Textbox(label="Joke"), gr.Textbox(label="Status")
        gr.Button("Greet").click(greet, name, [greeting, status])
        gr.Button("Poem").click(random_poem, None, gr.Markdown(label="Poem"))
        gr.Button("Joke").click(show_joke, None, joke)
        gr.Button("Show a pun").click(lambda: "Lettuce", None, joke)
        gr.Button("Topic").click(new_conversation_topic, None, gr.Textbox(label="Topic"))
        gr.Button("Name").click(random_name, None, name)
        gr.Button("Save").click(save_settings, None, status)
        gr.Button("Hide the joke").click(lambda: gr.update(visible=False), None, joke)
        gr.Button("Clear the joke").click(lambda: "", None, joke)
    return demo


def live_tab() -> gr.Blocks:
    loud = gr.Interface(lambda text: text.upper(), gr.Text(label="Text"), gr.Text(), live=True)
    repeat = gr.Interface(lambda text: text * 2, gr.Text(label="Text"), gr.Text())
    return gr.TabbedInterface([loud, repeat], ["Shout", "Repeat"], title="Text tools")


APPS = [
    chain, lambda_chain, page_events, toggles, twins, utilities, looks, only_load, only_change,
    nothing_to_call, webcam, random_picture, kept_private, thirty_tools, steps_with_state,
    dynamic_rows, session_setters, upscaled_after, read_aloud_after, set_by_scripts,
    named_like_plumbing, live_tab,
]  # fmt: skip
