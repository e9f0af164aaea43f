"""A chat without a model: it remembers its session and does sums.

Everything here is a function of the message and of what the person wrote before, so a session's
memory is exactly its history.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

HELP = """I am a small chat that runs without any model. Try:
- **my name is Ada**, and later **what is my name?**
- **my favourite colour is teal**, and later **what is my favourite colour?**
- **what is 12 * (7 + 1)?**
- **count to 20**
- **how many messages did I send?**, **what did I say first?**
- **tell me a story about a robot**"""

OPERATORS: dict[type, Callable] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
}
SPOKEN = {"plus": "+", "minus": "-", "times": "*", "divided by": "/", "over": "/", "x": "*"}


def answer(message: str, before: Sequence[str]) -> str:
    """Answer a message; `before` is what the person wrote earlier in the session, oldest first."""
    text = " ".join(message.split()).strip()
    known = list(filter(None, (_known(one, before) for one in _sentences(text))))
    # A greeting is answered only if nothing else was said.
    more = [one for one in known if not one.startswith("Hello")]
    return " ".join(dict.fromkeys(more or known)) or _small_talk(text, before)


def _sentences(text: str) -> list[str]:
    return [one for one in SENTENCE_END.split(text) if one]


def _known(sentence: str, before: Sequence[str]) -> str | None:
    """The answer to one sentence, if there is a rule for it."""
    for pattern, reply in REPLIES:
        if (found := pattern.search(sentence)) and (said := reply(found, before)) is not None:
            return said
    return _reckoned(sentence)


def said_before(history: Sequence[Mapping[str, Any]]) -> list[str]:
    """What the person wrote, oldest first, from a Gradio chat history."""
    return [_text(entry["content"]) for entry in history if entry["role"] == "user"]


def _text(content: Any) -> str:
    """The text of a chat message, whose content is a string or a list of parts."""
    if isinstance(content, str):
        return content
    return " ".join(part["text"] for part in content if part.get("type") == "text")


def recall(subject: str, before: Sequence[str]) -> str | None:
    """What the person last called their `subject` ("name" → "Ada"), or None."""
    sentences = [one for earlier in before for one in _sentences(earlier)]
    for sentence in reversed(sentences):
        for pattern in (TOLD, CALLED):
            found = pattern.search(sentence)
            if found and _subject(found).lower() == subject.lower():
                return found["value"].strip(" .!,")
    return None


def reckon(expression: str) -> float | int:
    """The value of an arithmetic expression; ValueError if it is invalid or huge."""
    try:
        value = _value(ast.parse(expression.strip(), mode="eval").body)
    except (SyntaxError, TypeError, OverflowError, RecursionError) as error:
        raise ValueError(expression) from error
    if isinstance(value, complex) or abs(value) > 10**30:
        raise ValueError(expression)
    return value


def _value(node: ast.expr) -> float | int:
    match node:
        case ast.Constant(value=int() | float() as number):
            return number
        case ast.UnaryOp(op=op, operand=operand) if type(op) in OPERATORS:
            return OPERATORS[type(op)](_value(operand))
        case ast.BinOp(left=left, op=op, right=right) if type(op) in OPERATORS:
            first, second = _value(left), _value(right)
            # A power is checked before it is computed: 9**9**9 would never end.
            if isinstance(op, ast.Pow) and (abs(second) > 64 or abs(first) > 10**6):
                raise ValueError("too large")
            return OPERATORS[type(op)](first, second)
    raise ValueError("not arithmetic")


def _reckoned(text: str) -> str | None:
    """The answer if the message contains a sum, in digits or spoken ("7 times 8")."""
    for word, sign in SPOKEN.items():
        text = re.sub(rf"(?<=[\d)]) *\b{word}\b *(?=[\d(-])", sign, text, flags=re.IGNORECASE)
    found = re.search(r"[-(]*\d[\d\s.+\-*/%()^]*", text)
    if not found or not re.search(r"\d\s*[)]*\s*[-+*/%^]", found[0]):
        return None
    expression = found[0].strip().rstrip("+-*/%^. ")
    try:
        value = reckon(expression.replace("^", "**"))
    except ZeroDivisionError:
        return f"{expression} has no value: nothing can be divided by zero."
    except ValueError:
        return f"I could not work out {expression}. I know + - * / % ^ and brackets."
    return (
        f"{expression} = {value:,}" if isinstance(value, int) else f"{expression} = {value:,.10g}"
    )


def _subject(found: re.Match[str]) -> str:
    return found.groupdict().get("subject") or "name"


def _told(found: re.Match[str], _: Sequence[str]) -> str:
    subject, value = _subject(found), found["value"].strip(" .!,")
    if subject.lower() == "name":
        return f"Nice to meet you, {value}. I will remember your name."
    return f"I will remember that your {subject} is {value}."


def _asked(found: re.Match[str], before: Sequence[str]) -> str:
    subject = _subject(found)
    if value := recall(subject, before):
        return f"Your {subject} is {value}."
    return f"You have not told me your {subject} yet. Say: my {subject} is …"


def _sent(_: re.Match[str], before: Sequence[str]) -> str:
    count = len(before) + 1
    return f"This is message {count} of our conversation."


def _said(found: re.Match[str], before: Sequence[str]) -> str:
    if not before:
        return "This is the first thing that you said to me."
    first = (found["which"] or "last").lower() == "first"
    return f"{'First' if first else 'Before this'} you said: “{before[0 if first else -1]}”"


def _counted(found: re.Match[str], _: Sequence[str]) -> str:
    last = int(found["last"])
    if not 1 <= last <= 500:
        return "I count from 1 to anything up to 500."
    return ", ".join(str(number) for number in range(1, last + 1)) + "."


def _story(found: re.Match[str], before: Sequence[str]) -> str:
    hero = (found["hero"] or "a small bot").strip(" .!?")
    friend = recall("name", before) or "a stranger"
    colour = recall("favourite colour", before) or recall("favorite color", before) or "silver"
    return "\n\n".join(
        (
            f"Once there was {hero}, at the end of a very long road.",
            f"One evening {friend} came by with a {colour} lamp, and asked the way. "
            f"“It is where the road is not,” was the answer, and so they left the road.",
            "They crossed a field of humming grass, a river that ran uphill, and a town where "
            "every clock was shy. In each place they asked the same question, and in each place "
            "they were given a better one.",
            f"When the {colour} lamp went out it was morning, and {friend} saw that the way had "
            f"been the two of them all along. And {hero}? Still there, should you want to ask.",
        )
    )


def _small_talk(text: str, before: Sequence[str]) -> str:
    name = recall("name", before)
    words = re.findall(r"\w+", text)
    if not words:
        return "Say something in words, and I will answer. Say **help** to see what I can do."
    longest = max(words, key=len)
    opening = f"{name}, you" if name else "You"
    number = "one word" if len(words) == 1 else f"{len(words)} words"
    reply = f"{opening} said {number}; “{longest}” is the longest."
    if before:
        reply += f" Before that you said: “{before[-1][:200]}”"
    return reply + " Say **help** to see what I can do."


def _rule(pattern: str, reply: Callable) -> tuple[re.Pattern[str], Callable]:
    return re.compile(pattern, re.IGNORECASE), reply


# Also before a question in the same sentence: "I am called Ann, and what is 2+2?"
SENTENCE_END = re.compile(
    r"(?<=[.!?])\s+|,?\s+and\s+(?=(?:what|who|how many|my)\b)|,\s+(?=(?:what|who|how many|my)\b)",
    re.IGNORECASE,
)
TOLD = re.compile(
    r"\bmy (?P<subject>(?!\bis\b)[\w ]{1,40}?)(?: is|'s) (?P<value>[^?]{1,80})$", re.I
)
CALLED = re.compile(r"\b(?:call me|i am called|i'm called) (?P<value>[\w' -]{1,40})", re.I)

# The first that matches and has an answer is used.
REPLIES: tuple[tuple[re.Pattern[str], Callable[..., str | None]], ...] = (
    _rule(r"^/?help\b|what can you do", lambda *_: HELP),
    _rule(r"\b(?:what|who)(?:'s| is| was|s) my (?P<subject>[\w ]{1,40}?)\s*\?*$", _asked),
    _rule(r"\bwho am i\b", _asked),
    (TOLD, _told),
    (CALLED, _told),
    _rule(r"\bhow many (?:messages|times)\b", _sent),
    _rule(r"\bwhat did i (?:just )?say (?P<which>first|last|before|just)?", _said),
    _rule(r"\bcount (?:up )?to (?P<last>\d{1,6})\b", _counted),
    _rule(r"\bstory\b(?: about (?P<hero>.{1,60}))?", _story),
    _rule(
        r"^(?:hi|hello|hey|good (?:morning|evening))\b",
        lambda _, before: (
            f"Hello{', ' + name if (name := recall('name', before)) else ''}! "
            "Say **help** to see what I can do."
        ),
    ),
)
