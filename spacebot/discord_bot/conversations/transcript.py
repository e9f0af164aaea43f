"""A conversation as data: what is sent for a question, and what an answer says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from spacebot.engine.jobs import SECRET_PLACEHOLDER
from spacebot.engine.store import Conversation, JobRecord
from spacebot.models import Endpoint, File, Option, OptionType, Parameter, Reply
from spacebot.spaces.inputs.components.files import is_one_of
from spacebot.spaces.inputs.form import own_options
from spacebot.spaces.outputs.text import code, small
from spacebot.spaces.outputs.values import fits, last_answer, updated_value, words_in

MESSAGE_COMPONENTS = ("textbox", "multimodaltextbox", "chatbot")
# The limit on files of one message to a chat, if the chat itself sets none.
MAX_FILES = 10
# The characters and items of an answer that are stored for the next question: they are encoded and
# decoded each time, on the event loop.
MAX_KEPT_LENGTH = 500_000
NOT_KEPT = small(
    "⚠️ This answer is too long to be remembered: the next question continues from the one before."
)


def message_parameter(endpoint: Endpoint) -> Parameter:
    """The parameter that takes the message: the chat's history if that is an input, otherwise the
    first required text, otherwise the first text."""
    said = [one for one in endpoint.parameters if one.component in MESSAGE_COMPONENTS]
    return min(said, key=lambda one: (one.name != endpoint.takes_history, not one.required))


def split_arguments(
    endpoint: Endpoint, arguments: Mapping[str, Any]
) -> tuple[str, list[Any], dict[str, Any]]:
    """A command's values, split into the message, its files, and the settings."""
    own = {each.name: each for each in own_options(message_parameter(endpoint))}
    said = {name: value for name, value in arguments.items() if name in own}
    words = [str(v) for name, v in said.items() if own[name].type is OptionType.STRING]
    files = [v for name, v in said.items() if own[name].type is OptionType.ATTACHMENT]
    settings = {name: value for name, value in arguments.items() if name not in own}
    return "\n".join(words), files, settings


def build_question(
    endpoint: Endpoint,
    settings: Mapping[str, Any],
    history: Any,
    text: str,
    files: Sequence[File],
) -> tuple[Endpoint, dict[str, Any], list[str]]:
    """One question → the endpoint with its history, the values, and the files left out.

    `history` is what the Space's chatbot held last; None at the beginning.
    """
    message = message_parameter(endpoint)
    if message.name == endpoint.takes_history:
        past = list(history or message.default or ())
        said = {"history": past, "text": text, "files": list(files[:MAX_FILES])}
        left = [file.name for file in files[MAX_FILES:]]
        return endpoint, {**settings, message.option or message.name: said}, left
    if endpoint.takes_history and history is not None:
        constants = {**endpoint.constants, endpoint.takes_history: history}
        endpoint = replace(endpoint, constants=constants)
    words = next(o for o in own_options(message) if o.type is OptionType.STRING)
    placed, left = _place_files(endpoint, message, settings, files)
    return endpoint, {**settings, **({words.name: text} if text else {}), **placed}, left


def left_out_note(names: Sequence[str]) -> str:
    """Which files a chat did not take, as a small line."""
    return small(f"This chat does not take {', '.join(map(code, names))}: left out.")


def _place_files(
    endpoint: Endpoint, message: Parameter, settings: Mapping[str, Any], files: Sequence[File]
) -> tuple[dict[str, File], list[str]]:
    """Place each file in the first option that takes it: the message's own, then the others'."""
    others = [one for one in endpoint.parameters if one is not message]
    slots: list[Option] = [
        option
        for parameter in (message, *others)
        for option in own_options(parameter)
        if option.type is OptionType.ATTACHMENT
    ]
    placed: dict[str, File] = {}
    left: list[str] = []
    for file in files:
        free = (one for one in slots if one.name not in placed)
        fits = [one for one in free if not one.file_types or is_one_of(file, one.file_types)]
        # An option that the settings fill already comes last.
        fits.sort(key=lambda one: one.name in settings)
        if fits:
            placed[fits[0].name] = file
        else:
            left.append(file.name)
    return placed, left


def secrets_of(endpoint: Endpoint, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The secret settings, which are never stored."""
    names = {o.name for p in endpoint.parameters if p.secret for o in own_options(p)}
    return {name: value for name, value in arguments.items() if name in names}


def secrets_missing(
    endpoint: Endpoint, settings: Mapping[str, Any], secrets: Mapping[str, Any]
) -> set[str]:
    """The secret options that a question needs and its requester has not entered.

    Needed are those that the conversation was begun with, and those that the Space requires.
    """
    secret = [one for p in endpoint.parameters if p.secret for one in own_options(p)]
    needed = {
        one.name for one in secret if one.required or settings.get(one.name) == SECRET_PLACEHOLDER
    }
    return needed - secrets.keys()


def history_of(endpoint: Endpoint, values: Sequence[Any]) -> list[Any] | None:
    """What the Space's chatbot holds now, from its outputs.

    None if they do not contain it, or if it is too long to store.
    """
    for output, value in zip(endpoint.outputs, values, strict=False):
        if output.component == "chatbot":
            shown = updated_value(value)
            kept = isinstance(shown, list | tuple) and fits(shown, MAX_KEPT_LENGTH)
            return list(shown) if kept else None
    return None


def answer_text(endpoint: Endpoint, values: Sequence[Any], posted: Sequence[Reply] = ()) -> str:
    """The text of an answer, from its outputs; as `posted` if it is too long."""
    if not is_kept(values):
        return "\n\n".join(reply.text for reply in posted)
    history = history_of(endpoint, values)
    return words_in(list(values) if history is None else last_answer(history))


def is_kept(values: Sequence[Any]) -> bool:
    """Whether an answer is short enough to store in full."""
    return fits(values, MAX_KEPT_LENGTH)


def to_markdown(conversation: Conversation, said: Sequence[JobRecord]) -> str:
    """A conversation as a Markdown document."""
    began = datetime.fromtimestamp(conversation.created, UTC)
    parts = [
        f"# Conversation with {conversation.command}",
        f"{conversation.space}{conversation.api_name}, {began:%Y-%m-%d %H:%M} UTC",
    ]
    for record in said:
        if (turn := record.turn) is None:
            continue
        parts += [f"## {turn.name}", turn.text, *(f"- {file.name}" for file in turn.files)]
        if record.is_answered:
            parts += [f"## {conversation.command}", turn.answer]
            parts += [f"- {name}" for name in turn.answer_files]
        else:
            parts.append("*(no answer)*")
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"
