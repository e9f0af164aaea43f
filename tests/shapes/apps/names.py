"""Apps whose names and labels say little, or say it in an unusual way."""

import gradio as gr


def lambdas() -> gr.Blocks:
    with gr.Blocks(title="Text tools") as demo:
        text, out = gr.Textbox(label="Your text"), gr.Textbox(label="Result")
        gr.Button("Shout").click(lambda x: x.upper(), text, out)
        gr.Button("Whisper", variant="primary").click(lambda x: x.lower(), text, out)
        gr.Button("Go").click(lambda x: x[::-1], text, out)
    return demo


def one_letter() -> gr.Blocks:
    def f(x: str, y: float) -> str:
        return x * int(y)

    return gr.Interface(
        f, [gr.Textbox(label="Word"), gr.Slider(1, 9, 3, step=1, label="How often?")], "text"
    )


def _predict(value: str) -> str:
    return value


def tabs() -> gr.Blocks:
    def predict(value: str) -> str:
        return value

    pages = [
        gr.Interface(predict, "image", "label", title="A"),
        gr.Interface(predict, "text", "text", title="B"),
        gr.Interface(predict, gr.Audio(type="filepath"), "text", title="C"),
    ]
    return gr.TabbedInterface(pages, ["Classify", "Summarize", "Transcribe"], title="Toolbox")


def buttons() -> gr.Blocks:
    def predict(image: str) -> str:
        return image

    with gr.Blocks() as demo:
        gr.Markdown("# Picture reader\nReads pictures.")
        image, caption, tags = gr.Image(label="Picture"), gr.Textbox(), gr.Label(label="Tags")
        gr.Button("📝 Caption").click(predict, image, caption)
        gr.Button("🏷️ Tag it").click(predict, image, tags)
    return demo


def dict_labels() -> gr.Blocks:
    def f(x: str) -> str:
        return x

    label = {"en": "Name", "fr": "Nom", "de": "Name"}
    with gr.Blocks() as demo:
        name = gr.Textbox(label=label, info={"en": "Who to greet", "fr": "Qui saluer"})  # type: ignore[arg-type]
        gr.Button("Greet").click(f, name, gr.Textbox(label={"en": "Greeting"}))  # type: ignore[arg-type]
    return demo


def translations() -> gr.Blocks:
    i18n = gr.I18n(en={"greeting": "Your greeting"}, de={"greeting": "Dein Gruß"})
    with gr.Blocks() as demo:
        text = gr.Textbox(label=i18n("greeting"), info=str(i18n("unknown_hint")))  # type: ignore[arg-type]
        gr.Button(i18n("send_it")).click(lambda g: g, text, gr.Textbox())  # type: ignore[arg-type]
    demo.config["i18n_translations"] = i18n.translations_dict
    return demo


def capitals() -> gr.Blocks:
    def run_TryOn(personImage: str, Garment_Text: str) -> str:  # noqa: N802, N803
        return personImage + Garment_Text

    def generateSVGFile(Prompt: str) -> str:  # noqa: N802, N803
        return Prompt

    with gr.Blocks(title="Virtual Try-On ™ v1.5") as demo:
        person, text, out = gr.Image(), gr.Textbox(label="Garment"), gr.Image()
        gr.Button("Run").click(run_TryOn, [person, text], out)
        gr.Button("SVG").click(generateSVGFile, text, gr.File())
    return demo


def emoji() -> gr.Blocks:
    with gr.Blocks(title="🎨✨ Pixel Magic! ✨") as demo:
        text = gr.Textbox(label="✍️ Describe your picture", placeholder="🐱 a cat…")
        gr.Button("🚀 Paint it!").click(lambda p: p, text, gr.Image(label="🖼️"))
    return demo


def chinese() -> gr.Blocks:
    with gr.Blocks(title="文本生成图像") as demo:
        text, size = gr.Textbox(label="提示词", info="描述您想要的画面。"), gr.Slider(1, 4, 1)
        gr.Button("生成图像").click(lambda a, b: a, [text, size], gr.Image(label="图像"))
        gr.Button("扩写").click(lambda a: a, text, gr.Textbox(label="结果"))
    return demo


def hindi_and_arabic() -> gr.Blocks:
    with gr.Blocks() as demo:
        gr.HTML("<h1 align='center'><b>अनुवाद</b> سهل</h1>")
        text, out = gr.Textbox(label="वाक्य लिखें"), gr.Textbox(label="الترجمة")
        gr.Button("हिन्दी अनुवाद").click(lambda t: t, text, out)
        gr.Button("ترجمة إلى العربية").click(lambda t: t, text, out)
    return demo


def star_arguments() -> gr.Blocks:
    def process(*args: object) -> str:
        return str(args)

    parts = [
        gr.Textbox(label="Title"), gr.Number(3, label="Rows (1-9)"), gr.Checkbox(label="Bold"),
        gr.Textbox("", label="Text"), gr.Textbox("", label="Text"),
    ]  # fmt: skip
    return gr.Interface(process, parts, "text", title="Table maker")


def called_dict() -> gr.Blocks:
    def predict(dict: object, prompt: str = "") -> object:
        return dict

    return gr.Interface(
        predict,
        [gr.ImageEditor(label="Image and mask"), gr.Textbox(label="Prompt")],
        gr.ImageSlider(label="Before, after"),
        title="Inpainting",
    )


def same_labels() -> gr.Blocks:
    with gr.Blocks(title="Filters") as demo:
        image = gr.Image(label="Input")
        first, second = gr.Checkbox(label="Enable"), gr.Checkbox(label="Enable")
        run = gr.Button("Apply filters")
        run.click(lambda *a: a[0], [image, first, second], gr.Image(label="Output"))
    return demo


def described() -> gr.Blocks:
    def fn(text: str, language: str) -> str:
        """
        This function translates **text** into another language. It uses a *tiny* model
        (e.g. v2.5), see https://example.com.

        Args:
            text: What to translate.
            language: The target.
        """
        return text + language

    return gr.Interface(fn, ["text", gr.Dropdown(["de", "fr"], label="Language")], "text")


def long_winded() -> gr.Blocks:
    def generate_the_most_beautiful_picture_of_all_times(
        the_complete_description_of_the_picture_wanted: str, x: str
    ) -> str:
        """Generate a picture which is so beautiful that nobody who has ever seen a picture could
        say that another one was more beautiful than this one, in any light"""
        return the_complete_description_of_the_picture_wanted + x

    text = gr.Textbox(label="Please enter the name of the artist whose style you like the most")
    fn = generate_the_most_beautiful_picture_of_all_times
    return gr.Interface(fn, ["text", text], "image", api_name=fn.__name__)


def no_labels() -> gr.Blocks:
    with gr.Blocks() as demo:
        parts = [gr.Textbox(), gr.Textbox(), gr.Number(), gr.Dropdown(["a", "b"]), gr.Audio()]
        gr.Button().click(lambda a, b, c, d, e: a, parts, [gr.Audio(), gr.JSON()])
    return demo


def untitled() -> gr.Blocks:
    return gr.Interface(lambda x: x, "image", "image")


def doubled() -> gr.Blocks:
    """Two functions of one name, with other inputs, each with a generic button."""
    with gr.Blocks(title="Speech") as demo:
        text, voice, clip = gr.Textbox(label="Text"), gr.Radio(["a", "b"]), gr.Audio(label="Clip")
        gr.Button("Submit").click(_predict, [text, voice], gr.Audio(), api_name="predict")
        gr.Button("Submit").click(_predict, clip, gr.Textbox(), api_name="predict")
    return demo


def odd_names() -> gr.Blocks:
    def answer(__x: str, _y_: str, top_p: float, maxTokens: float) -> str:  # noqa: N803
        return f"{__x}{_y_}{top_p}{maxTokens}"

    parts = [gr.Textbox(label="Q:"), gr.Textbox(label="A | hint"), gr.Slider(0, 1, 0.9),
             gr.Number(64, precision=0, label="Max. tokens")]  # fmt: skip
    return gr.Interface(answer, parts, "text", api_name="v1/answer.question")


APPS = [
    lambdas, one_letter, tabs, buttons, dict_labels, translations, capitals, emoji, chinese,
    hindi_and_arabic, star_arguments, called_dict, same_labels, described, long_winded, no_labels,
    untitled, doubled, odd_names,
]  # fmt: skip
