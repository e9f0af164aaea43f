"""Apps wired like popular Spaces: page events around the event that people want."""

from collections.abc import Iterator
from typing import Any

import gradio as gr


def chat_with_settings() -> gr.Blocks:
    def user(user_message, history):
        return "", [*history, {"role": "user", "content": user_message}]

    def bot(history, system, temp) -> Iterator[Any]:
        yield history

    def regenerate(history, system, temp) -> Iterator[Any]:
        yield history

    def export(history):
        return "chat.md"

    with gr.Blocks() as demo:
        gr.HTML("<h1>🦙 Zephyr Chat</h1>")
        chat = gr.Chatbot([{"role": "assistant", "content": "Hi! Ask me anything."}])
        message = gr.Textbox(placeholder="Type here", show_label=False)
        send = gr.Button("Send")
        with gr.Accordion("Parameters", open=False):
            system = gr.Textbox("You are nice", label="System prompt")
            temperature = gr.Slider(0, 2, 1, label="Temperature")
        settings = [chat, system, temperature]
        for start in (message.submit, send.click):
            start(user, [message, chat], [message, chat], queue=False).then(bot, settings, chat)
        gr.Button("Regenerate").click(regenerate, settings, chat)
        gr.Button("Undo").click(lambda history: history[:-2], chat, chat)
        gr.Button("Export").click(export, chat, gr.File())
    return demo


def chat_beside_code() -> gr.Blocks:
    def reply(m, h):
        return m, gr.Code("print(1)")

    code = gr.Code(render=False, language="python")
    with gr.Blocks() as demo:
        gr.Markdown("# Coder")
        gr.ChatInterface(reply, additional_outputs=[code])
        code.render()
    return demo


def chat_about_a_picture() -> gr.Blocks:
    def add(history, message):
        return history, None

    def bot(history, image, temperature) -> Iterator[Any]:
        yield history

    with gr.Blocks() as demo:
        with gr.Sidebar():
            gr.Markdown("# Sign in")
        chat, message, picture = gr.Chatbot(), gr.Textbox(), gr.Image(label="Picture")
        warmth = gr.Slider(0, 1, label="Temperature")
        sent = message.submit(add, [chat, message], [chat, message])
        sent.then(bot, [chat, picture, warmth], chat)
    return demo


def microphone_or_file() -> gr.Blocks:
    def transcribe(inputs, task):
        return task

    def tab(source: Any, label: str | None) -> gr.Interface:
        sound = gr.Audio(sources=[source], type="filepath", label=label)
        task = gr.Radio(["transcribe", "translate"], value="transcribe", label="Task")
        # As Gradio named it up to its version 5.
        name = "predict"
        return gr.Interface(transcribe, [sound, task], "text", title="Whisper", api_name=name)

    with gr.Blocks() as demo:
        tabs = [tab("microphone", None), tab("upload", "Audio file")]
        gr.TabbedInterface(tabs, ["Microphone", "Audio file"])
    return demo


def voices_described() -> gr.Blocks:
    def tts_interface(text, voice):
        return None, None

    return gr.Interface(
        tts_interface,
        [gr.Textbox(label="Input Text"), gr.Dropdown(["", "Ann", "Ben"], value="", label="Voice")],
        [gr.Audio(label="Speech"), gr.Markdown(visible=False)],
        title="Edge TTS",
        description="Convert text to speech with **many** voices. Free for all.",
    )


def fill_in_the_mask() -> gr.Blocks:
    def fill_image(prompt, image, paste_back) -> Iterator[Any]:
        yield image, image

    def clear_result():
        return gr.update(value=None)

    def use_output_as_input(result):
        return gr.update(value=result[1])

    with gr.Blocks() as demo:
        gr.Markdown("## Image Fill")
        prompt = gr.Textbox(label="Prompt", info="Describe what to inpaint the mask with")
        picture = gr.ImageMask(label="Input Image", layers=False)
        paste = gr.Checkbox(True, label="Paste back original")
        result = gr.ImageSlider(interactive=False, label="Generated Image")
        gr.Button("Use as Input Image").click(use_output_as_input, result, picture)
        cleared = gr.Button("Generate").click(clear_result, None, result)
        cleared.then(fill_image, [prompt, picture, paste], result)
    return demo


def picture_or_pdf() -> gr.Blocks:
    def run(image, file_path, task, page_num):
        return task, []

    def load_image(file, page):
        return file

    with gr.Blocks() as demo:
        gr.Markdown("# 🚀 OCR Demo")
        file = gr.File(label="Upload Image or PDF", file_types=["image", ".pdf"])
        image = gr.Image(label="Input Image")
        page = gr.Number(label="Page", value=1, visible=False)
        task = gr.Dropdown(["Markdown", "Free OCR"], value="Markdown", label="Task")
        text, parts = gr.Textbox(label="Text"), gr.Gallery(label="Cropped")
        file.change(load_image, [file, page], image)
        gr.Button("Extract").click(run, [image, file, task, page], [text, parts])
    return demo


def prepared_first() -> gr.Blocks:
    def check_input_image(picture):
        if picture is None:
            raise gr.Error("No image uploaded!")

    def preprocess(picture, remove_background):
        return picture

    def generate(picture, resolution):
        return picture

    with gr.Blocks(title="TripoSR") as demo:
        picture = gr.Image(label="Input Image")
        prepared = gr.Image(label="Processed Image", interactive=False)
        remove = gr.Checkbox(True, label="Remove Background")
        resolution = gr.Slider(32, 320, 256, step=32, label="Marching Cubes Resolution")
        model = gr.Model3D(label="Output Model")
        checked = gr.Button("Generate").click(check_input_image, picture)
        ready = checked.success(preprocess, [picture, remove], prepared)
        ready.success(generate, [prepared, resolution], model)
    return demo


def steps_by_state() -> gr.Blocks:
    def preprocess(picture, remove_background):
        return picture

    def generate_views(picture, sample_steps):
        return {}, picture

    def make3d(views):
        return "model.glb"

    def save_to_dataset(model, picture):
        return "Saved."

    with gr.Blocks(title="InstantMesh") as demo:
        picture, prepared = gr.Image(label="Input Image"), gr.Image(label="Processed Image")
        remove = gr.Checkbox(True, label="Remove Background")
        steps = gr.Slider(30, 75, 75, step=5, label="Sample Steps")
        views, shown = gr.State(), gr.Image(label="Views", interactive=False)
        model, saved = gr.Model3D(label="Output Model"), gr.Markdown()
        ready = gr.Button("Generate").click(preprocess, [picture, remove], prepared)
        seen = ready.success(generate_views, [prepared, steps], [views, shown])
        made = seen.success(make3d, views, model)
        made.success(save_to_dataset, [model, picture], saved)
    return demo


def answered_and_spoken() -> gr.Blocks:
    def enhance(prompt, enhance_prompt):
        return prompt

    def answer(prompt):
        return prompt

    def speak(text, voice):
        return text

    with gr.Blocks(title="Oracle") as demo:
        prompt, better = gr.Textbox(label="Question"), gr.Checkbox(label="Enhance prompt")
        text, voice = gr.Textbox(label="Answer"), gr.Dropdown(["Ann", "Ben"], value="Ann")
        speech = gr.Audio(label="Speech")
        started = gr.Button("Ask").click(enhance, [prompt, better], prompt)
        started.then(answer, prompt, text).then(speak, [text, voice], speech)
    return demo


def try_on_with_a_mask() -> gr.Blocks:
    def start_tryon(dict, garm_img, garment_des, is_checked, denoise_steps):
        return dict, garm_img

    with gr.Blocks() as demo:
        gr.Markdown("## IDM-VTON 👕👔👚\nVirtual try-on with your image and a garment.")
        human = gr.ImageEditor(label="Human. Mask with pen or use auto-masking")
        garment = gr.Image(label="Garment")
        told = gr.Textbox(placeholder="a shirt with a round neck", label="Garment description")
        auto = gr.Checkbox(True, label="Yes", info="Use auto-generated mask (takes 5 seconds)")
        steps = gr.Number(30, label="Denoising Steps", minimum=20, maximum=40, step=1)
        dressed, masked = gr.Image(label="Output"), gr.Image(label="Masked image output")
        inputs = [human, garment, told, auto, steps]
        gr.Button("Try-on").click(start_tryon, inputs, [dressed, masked], api_name="tryon")
    return demo


def filled_from_a_file() -> gr.Blocks:
    def load_text_from_file(file):
        return gr.update()

    def basic_tts(ref_audio_input, ref_text_input, gen_text_input, seed_input, speed_slider):
        return None

    def count_letters(text):
        return len(text)

    with gr.Blocks(title="Batched TTS") as demo:
        sound = gr.Audio(label="Reference Audio", type="filepath")
        text, file = gr.Textbox(label="Text to Generate"), gr.File(file_types=[".txt"])
        with gr.Accordion("Advanced", open=False):
            said = gr.Textbox(label="Reference Text", info="Leave blank to transcribe the audio.")
            seed = gr.Number(show_label=False, value=0, precision=0)
            speed = gr.Slider(0.3, 2.0, 1.0, step=0.1, label="Speed", info="Adjust the speed.")
        file.upload(load_text_from_file, file, text)
        text.change(count_letters, text, gr.Number(label="Letters"))
        spoken = gr.Audio(label="Synthesized Audio")
        gr.Button("Synthesize").click(basic_tts, [sound, said, text, seed, speed], spoken)
    return demo


def from_an_address() -> gr.Blocks:
    def remove(image):
        return image, image

    def process(image_path, negative_prompt, model_path):
        return image_path

    by_address = gr.Interface(
        remove,
        gr.Textbox(label="Paste an image URL"),
        gr.ImageSlider(label="Processed Image"),
        description="This is a demo of RMBG.",
    )
    by_file = gr.Interface(
        process,
        [
            gr.Image(type="filepath", label="Upload an image"),
            gr.Textbox(label="Negative Prompt", placeholder="low quality"),
            gr.Textbox(label="Model Path (custom models)"),
        ],
        gr.File(label="Output PNG"),
    )
    return gr.TabbedInterface([by_address, by_file], ["Address", "File"], title="RMBG")


APPS = [
    chat_with_settings, chat_beside_code, chat_about_a_picture, microphone_or_file,
    voices_described, fill_in_the_mask, picture_or_pdf, prepared_first, steps_by_state,
    answered_and_spoken, try_on_with_a_mask, filled_from_a_file, from_an_address,
]  # fmt: skip
