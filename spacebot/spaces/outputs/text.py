"""Discord's markdown: escaping foreign text, fences, tables, and splitting long text.

Nothing from here can ping: `AllowedMentions.none()` already prevents that, and a Space's text must
not even look like a mention, a button or the bot's own words.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

from spacebot.wording import clip

MAX_MESSAGE_LENGTH = 2000
"""The characters that one Discord message may have."""

_FENCE = "```"
# Room for the line that closes a code block, with the marks of a quote or list before it.
_CLOSING_RESERVE = 24
_ZERO_WIDTH = "\u200b"

_EVERYONE = re.compile(r"@(?=everyone|here)")
_PERSON = re.compile(r"<(?=@[!&]?\d)")
_LINE_END = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")
_NOT_SENT = re.compile("[\x00-\x08\x0e-\x1f\x7f\u202d\u202e]")
_TICKS = re.compile("`(?=`)")

# What Discord reads as markup. A line may start with a list, heading, quote or
# "-#" (small print, which only the bot itself writes); "<" starts mentions,
# command links, custom emoji and times.
_MARKUP = re.compile(
    r"""<(?P<bracketed>https?://[^\s<>]+)>
      | (?P<url>https?://[^\s<>"'`]*[^\s<>"'`.,:;!?)\]}*_~|\\])
      | (?P<start>^[ \t]*(?:\d+(?=[.)]\s)|(?=(?:[->]|\#{1,6})(?:\s|$)|-\#|>>>)))
      | (?P<char>[\\*_~|`\[]|<(?=[@#/:\w]))
    """,
    re.VERBOSE | re.MULTILINE,
)
# A code block may be inside a quote or a list. Only a short part of its opening line is repeated,
# so that each message takes more of the text than it repeats.
_OPENING = re.compile(r"[ >]{0,20}```(?:[\w+#.-]{0,20}(?=[ \t]*$))?")
_MAX_OPENING_LENGTH = 44
# In less room than this, text is cut regardless of its markup.
_MIN_ROOM = 4 * _MAX_OPENING_LENGTH
_TAG = re.compile(
    r"<(style|script)\b.*?(?:</\1>|\Z)|<!--.*?(?:-->|\Z)|</?[a-zA-Z][^<>]*>", re.S | re.I
)
# Tags that stand within a word or before a full stop.
_INLINE_TAG = re.compile(
    r"</?(?:a|b|code|em|font|i|kbd|mark|q|s|small|span|strong|sub|sup|u)[\s/>]", re.I
)
_LINE_START = re.compile(r"(\d+(?=[.)]\s)|(?=(?:[->]|#{1,6})(?:\s|$)|-#|>>>))")
# Where a long text is best cut, and how full the message must be by then.
_CUT_POINTS = (
    (re.compile(r"\n\n+"), 0.5),
    (re.compile(r"\n+"), 0.5),
    (re.compile(r"(?<=[.!?…。！？])[ \n\u200b]*(?<=[\s。！？])"), 0.5),
    (re.compile(r"\s+"), 0.25),
)


def clean(text: str) -> str:
    """Return text without what cannot be sent or would mislead, and with one kind of line end.

    Half characters come from broken JSON; an override of the writing direction
    makes text read as what it is not.
    """
    return _NOT_SENT.sub("", _LONE_SURROGATE.sub("\ufffd", _LINE_END.sub("\n", text)))


def link(address: str) -> str:
    """Return an http(s) address as Discord's link without a preview."""
    safe = quote(clean(address), safe="!#$%&'()*+,/:;=?@[]~-._")
    return f"<{_EVERYONE.sub('%40', safe)}>"


def named_link(text: str, address: str) -> str:
    """Return safe markdown `text` as a link that also says which site it goes to."""
    host = _host(address)
    if host is None:
        return text
    if not text.strip() or _looks_like_address(text):
        return link(address)
    # Discord ends a link's text at any bracket, so that one inside could begin another link.
    text = text.replace("\\[", "(").replace("[", "(").replace("]", ")")
    return f"[{text}]({link(address)}) ({escape(host)})"


def _host(address: str) -> str | None:
    """Return the site of an http(s) address, and None for any other address."""
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return None
    return parts.hostname if parts.scheme in ("http", "https") else None


def _looks_like_address(text: str) -> bool:
    """Say whether a link's text reads like an address itself, which could mislead."""
    return "://" in text or re.search(r"\w\.\w{2,}", text) is not None


def escape(text: str) -> str:
    """Return plain text as markdown that Discord shows as it is."""

    def safe(match: re.Match[str]) -> str:
        address = match["bracketed"] or match["url"]
        if address:
            return link(address)
        return match["start"] + "\\" if match["start"] is not None else "\\" + match["char"]

    return _EVERYONE.sub("@" + _ZERO_WIDTH, _MARKUP.sub(safe, clean(text)))


def plain_line(raw: str, limit: int) -> str:
    """Return a Space's text, which may contain HTML, as one plain line of at most `limit`."""
    return clip(strip_to_line(raw[: 8 * limit + 1000]), limit)


def strip_to_line(raw: str) -> str:
    """Return HTML as one line of plain text, in time proportional to its length."""
    return " ".join(strip_tags(raw).split())


def strip_tags(raw: str) -> str:
    """Return HTML as text, line ends as they are."""
    return html.unescape(_TAG.sub(lambda tag: "" if _INLINE_TAG.match(tag[0]) else " ", raw))


def small(text: str) -> str:
    """Return one line of safe markdown as small print."""
    return "-# " + " ".join(text.split())


def bold(text: str) -> str:
    """Return plain text in bold."""
    return f"**{escape(' '.join(text.split()))}**"


def code(text: str) -> str:
    """Return plain text as code within a line."""
    text = _harmless(" ".join(text.split()))
    if "`" not in text:
        return f"`{text}`"
    return f"`` {_TICKS.sub('`' + _ZERO_WIDTH, text)} ``"


def fence(text: str, language: str = "") -> str:
    """Return a code block; backticks inside cannot end it."""
    language = re.sub(r"[^\w+#-]", "", language)[:20]
    inside = _TICKS.sub("`" + _ZERO_WIDTH, _harmless(text.strip("\n")))
    return f"{_FENCE}{language}\n{inside}\n{_FENCE}"


def _harmless(text: str) -> str:
    """Return code whose mentions stay text even where code is not shown as code."""
    return _PERSON.sub("<" + _ZERO_WIDTH, _EVERYONE.sub("@" + _ZERO_WIDTH, clean(text)))


def width(text: str) -> int:
    """Return the columns that text takes in a code block."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)


def table(headers: Sequence[str], rows: Sequence[Sequence[str]], cell: int = 40) -> str:
    """Return rows as aligned lines, cells cut at `cell` characters, numbers right-aligned."""
    lines = [[clip(" ".join(text.split()), cell) for text in row] for row in (headers, *rows)]
    count = max(map(len, lines), default=0)
    lines = [[*row, *[""] * (count - len(row))] for row in lines]
    widths = [max(width(row[i]) for row in lines) for i in range(count)]
    right = [all(_is_number(row[i]) for row in lines[1:]) for i in range(count)]

    def aligned(row: Sequence[str]) -> str:
        cells = []
        for text, room, number in zip(row, widths, right, strict=True):
            padding = " " * (room - width(text))
            cells.append(padding + text if number else text + padding)
        return "  ".join(cells).rstrip()

    rule = "  ".join("─" * room for room in widths)
    return "\n".join([aligned(lines[0]), rule, *map(aligned, lines[1:])])


def _is_number(text: str) -> bool:
    return not text or re.fullmatch(r"[-+−]?[\d.,]+(?:e[-+]?\d+)?\s*%?", text) is not None


def split(text: str, limit: int = MAX_MESSAGE_LENGTH) -> list[str]:
    """Split markdown into messages at paragraphs, lines, sentences or words.

    A code block that is cut is closed, and opened again with its language.
    """
    if limit < _MIN_ROOM:
        return [
            part for at in range(0, len(text), limit) if (part := text[at : at + limit].strip())
        ]
    chunks = []
    rest = text.strip("\n")
    while len(rest) > limit:
        cut = _cut(rest, limit - _CLOSING_RESERVE)
        head, rest = rest[:cut], rest[cut:]
        opening = _open_fence(head)
        if opening:
            head = f"{head.rstrip()}\n{opening.partition(_FENCE)[0]}{_FENCE}"
            rest = opening + "\n" + rest.removeprefix("\n")
        elif not head.endswith("\n"):
            rest = _LINE_START.sub(r"\1\\", rest, count=1) if _LINE_START.match(rest) else rest
        chunks.append(head.rstrip())
        rest = rest.strip("\n")
    return [chunk for chunk in (*chunks, rest.rstrip()) if chunk.strip()]


def tail(text: str, limit: int) -> str:
    """Return the last `limit` characters of markdown from a line's start, with its code block."""
    if len(text) <= limit:
        return text
    start = len(text) - limit + _MAX_OPENING_LENGTH + 4
    border = re.compile(r"\n").search(text, start, min(len(text), start + limit // 3))
    start = border.end() if border else start - (text[start - 1] == "\\")
    opening = _open_fence(text[:start])
    if opening:
        return f"…\n{opening}\n{text[start:]}"
    # Text from within a line must not end up at the start of a line.
    return f"…\n{text[start:]}" if border else f"… {text[start:]}"


def _cut(text: str, room: int) -> int:
    """Return where to cut `text` so that the head has at most `room` characters."""
    for border, filled in _CUT_POINTS:
        least = max(room * filled, _MAX_OPENING_LENGTH)
        ends = [m.end() for m in border.finditer(text, 0, room) if m.end() > least]
        if ends:
            return _before_fence(text, ends[-1], room)
    slashes = len(text[:room]) - len(text[:room].rstrip("\\"))
    return room - slashes % 2


def _before_fence(text: str, cut: int, room: int) -> int:
    """Move a cut that falls into a code block to before it, if enough is left in the message."""
    if not _open_fence(text[:cut]):
        return cut
    start = text.rfind("\n", 0, text.rfind(_FENCE, 0, cut)) + 1
    return start if start >= room // 2 else cut


def _open_fence(text: str) -> str:
    """Return what opens the code block in which `text` ends, or nothing."""
    opening = ""
    for line in text.split("\n"):
        if found := _OPENING.match(line):
            opening = "" if opening else found[0]
    return opening
