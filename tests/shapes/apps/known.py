"""Apps with the signatures of well-known kinds of Spaces."""

from typing import Any

import gradio as gr


def musicgen() -> gr.Blocks:
    def predict(prompt: str, seed: int = 0) -> Any:
        return prompt, prompt

    return gr.Interface(
        predict,
        [gr.Textbox(label="Prompt", placeholder="80s synth"), gr.Number(0, label="Seed")],
        [gr.Audio(label="Audio"), gr.Video(label="Video")],
        title="MusicGen",
        api_name="predict",
    )


def image_generator() -> gr.Blocks:
    def infer(
        prompt, negative_prompt, seed, randomize_seed, width, height, guidance_scale,
        num_inference_steps,
    ) -> Any:  # fmt: skip
        return prompt, seed

    with gr.Blocks() as demo:
        gr.Markdown(" # Text-to-Image Gradio Template")
        prompt = gr.Text(label="Prompt", show_label=False, placeholder="Enter your prompt")
        run, result = gr.Button("Run", variant="primary"), gr.Image(label="Result")
        with gr.Accordion("Advanced Settings", open=False):
            negative = gr.Text(label="Negative prompt", placeholder="What to avoid", visible=False)
            seed = gr.Slider(0, 2**31 - 1, 0, step=1, label="Seed")
            random = gr.Checkbox(label="Randomize seed", value=True)
            width = gr.Slider(256, 1024, 1024, step=32, label="Width")
            height = gr.Slider(256, 1024, 1024, step=32, label="Height")
            scale = gr.Slider(0, 10, 0.0, step=0.1, label="Guidance scale")
            steps = gr.Slider(1, 50, 2, step=1, label="Number of inference steps")
        gr.Examples(["An astronaut", "A cat"], prompt)
        parts = [prompt, negative, seed, random, width, height, scale, steps]
        gr.on([run.click, prompt.submit], infer, parts, [result, seed])
    return demo


def whisper() -> gr.Blocks:
    def transcribe(inputs: str, task: str) -> str:
        return inputs

    def yt_transcribe(yt_url: str, task: str) -> Any:
        return "", yt_url

    tasks = gr.Radio(["transcribe", "translate"], label="Task", value="transcribe")
    again = gr.Radio(["transcribe", "translate"], label="Task", value="transcribe")
    third = gr.Radio(["transcribe", "translate"], label="Task", value="transcribe")
    pages = [
        gr.Interface(
            transcribe, [gr.Audio(sources=["microphone"], type="filepath"), tasks], "text"
        ),
        gr.Interface(transcribe, [gr.Audio(label="Audio file"), again], "text"),
        gr.Interface(yt_transcribe, [gr.Textbox(label="YouTube URL"), third], ["html", "text"]),
    ]
    return gr.TabbedInterface(pages, ["Microphone", "Audio file", "YouTube"], title="Whisper V3")


def face_swap() -> gr.Blocks:
    def swap_faces(source: str, target: str, enhance: bool) -> str:
        return source

    parts = [gr.Image(label="Source face"), gr.Image(label="Target"), gr.Checkbox(label="Enhance")]
    return gr.Interface(swap_faces, parts, gr.Image(label="Swapped"), title="Face Swap 😎")


def frames_to_video() -> gr.Blocks:
    def generate_video(first_frame, last_frame, prompt, duration_seconds) -> Any:
        return prompt, 3

    with gr.Blocks(title="Wan 2.2 First/Last Frame") as demo:
        first, last = gr.Image(label="Start frame"), gr.Image(label="Last frame")
        prompt = gr.Textbox("make this image come alive", label="Prompt")
        seconds = gr.Slider(0.5, 5, 3.5, step=0.1, label="Duration (seconds)")
        video, used = gr.Video(label="Generated Video", autoplay=True), gr.Number(visible=False)
        gr.Button("Generate Video").click(
            generate_video, [first, last, prompt, seconds], [video, used]
        )
    return demo


def background_remover() -> gr.Blocks:
    def fn(image: str) -> Any:
        return image, image

    def process(url: str) -> Any:
        return url

    with gr.Blocks(title="Background Removal") as demo:
        with gr.Tab("Image Upload"):
            image = gr.Image(label="Upload an image")
            image.upload(fn, image, [gr.ImageSlider(label="Result"), gr.File(label="PNG")],
                         api_name="image")  # fmt: skip
        with gr.Tab("URL"):
            url = gr.Textbox(label="Paste an image URL")
            url.submit(process, url, gr.ImageSlider(), api_name="text")
    return demo


def translator() -> gr.Blocks:
    def translation(source: str, target: str, text: str) -> str:
        return text

    languages = [f"Language {n}" for n in range(96)]
    return gr.Interface(
        translation,
        [gr.Dropdown(languages, label="Source", value="Language 1"),
         gr.Dropdown(languages, label="Target", value="Language 2"),
         gr.Textbox(lines=5, label="Input text")],
        gr.JSON(),
        title="NLLB Translation",
    )  # fmt: skip


def ocr() -> gr.Blocks:
    def predict(input_img: str, lang: str) -> Any:
        """Extract the text of a picture, and where it stands.

        Returns the picture with boxes.
        """
        return input_img

    return gr.Interface(
        predict,
        ["image", gr.Dropdown(["eng", "deu"], value="eng", label="language")],
        [gr.AnnotatedImage(label="Boxes"), gr.Dataframe(label="Text"), gr.HTML(label="Page")],
        title="OCR",
    )


def voice_cloner() -> gr.Blocks:
    def basic_tts(ref_audio: str, ref_text: str, gen_text: str, remove_silence: bool) -> Any:
        return ref_audio, ref_audio, ref_text

    with gr.Blocks() as demo:
        gr.Markdown("# E2/F5 TTS\n\nThis is a local web UI.")
        clip = gr.Audio(label="Reference Audio", type="filepath")
        said = gr.Textbox(label="Reference Text", info="Leave blank to transcribe the audio.")
        text = gr.Textbox(label="Text to Generate", lines=10)
        silence = gr.Checkbox(label="Remove Silences", value=False)
        outs = [gr.Audio(label="Synthesized Audio"), gr.Image(label="Spectrogram"), said]
        gr.Button("Synthesize", variant="primary").click(
            basic_tts, [clip, said, text, silence], outs
        )
    return demo


APPS = [
    musicgen, image_generator, whisper, face_swap, frames_to_video, background_remover,
    translator, ocr, voice_cloner,
]  # fmt: skip
