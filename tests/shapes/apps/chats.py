"""Chats, as people build them."""

from collections.abc import Iterator
from typing import Any

import gradio as gr


def chat_interface() -> gr.Blocks:
    def answer(message: str, history: list[Any]) -> Iterator[str]:
        """Talk to a parrot."""
        yield message

    return gr.ChatInterface(answer, title="Parrot", examples=["Hello", "How are you?"])


def chat_with_options() -> gr.Blocks:
    def respond(message: dict[str, Any], history: list[Any], system: str, top: float) -> str:
        return message["text"]

    extra = [gr.Textbox("Be kind.", label="System prompt"), gr.Slider(0, 1, 0.9, label="Top-p")]
    return gr.ChatInterface(respond, multimodal=True, additional_inputs=extra, title="Llama 🦙")


def user_then_bot() -> gr.Blocks:
    def user(message: str, history: list[Any]) -> Any:
        return "", [*history, {"role": "user", "content": message}]

    def bot(history: list[Any]) -> Iterator[list[Any]]:
        yield history

    with gr.Blocks(title="Two steps") as demo:
        history, message = gr.Chatbot(), gr.Textbox(label="Message")
        message.submit(user, [message, history], [message, history], queue=False).then(
            bot, history, history
        )
        gr.ClearButton([message, history])
        gr.Button("Clear").click(lambda: None, None, history, queue=False)
    return demo


def respond_with_history() -> gr.Blocks:
    def respond(message: str, chat_history: list[Any], temperature: float) -> Any:
        return "", chat_history

    with gr.Blocks(title="One step") as demo:
        history, message = gr.Chatbot(label="Conversation"), gr.Textbox(label="Message")
        warmth = gr.Slider(0, 2, 1, label="Temperature")
        message.submit(respond, [message, history, warmth], [message, history])
        history.like(lambda x: None, history, None)
    return demo


def session_state() -> gr.Blocks:
    def talk(text: str, memory: list[str]) -> Any:
        return text, memory

    with gr.Blocks(title="Falcon") as demo:
        memory = gr.State([])
        text, answer = gr.Textbox(label="You"), gr.Markdown(label="Falcon")
        gr.Button("Send").click(talk, [text, memory], [answer, memory])
        gr.Button("New chat").click(lambda: ("", []), None, [answer, memory])
    return demo


def multimodal_history() -> gr.Blocks:
    def add_message(history: list[Any], message: dict[str, Any]) -> Any:
        return history, None

    def bot(history: list[Any]) -> Iterator[list[Any]]:
        yield history

    with gr.Blocks(title="See and say") as demo:
        history = gr.Chatbot()
        message = gr.MultimodalTextbox(placeholder="Write or add a picture", file_types=["image"])
        step = message.submit(add_message, [history, message], [history, message])
        step.then(bot, history, history, api_name="bot_response").then(
            lambda: gr.update(interactive=True), None, message
        )
    return demo


APPS = [
    chat_interface, chat_with_options, user_then_bot, respond_with_history, session_state,
    multimodal_history,
]  # fmt: skip
