"""Discord's dialect of markdown → HTML, for showing a message as Discord would.

markdown-it parses what the dialects share; the rules here are Discord's own. Raw HTML is never
passed on, and only http(s) addresses become links.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from markupsafe import Markup, escape

# Discord's codes in angle brackets: <@1>, <@!1>, <@&1>, <#1>, </name:1>, <:name:1>, <t:1:R>.
MENTION = re.compile(r"<(?:(?P<kind>@[!&]?|#)(?P<id>\d{1,20})|/(?P<command>[^:<>\n]{1,100}):\d+)>")
EMOJI = re.compile(r"<a?(?P<name>:\w{2,32}:)\d{1,20}>")
TIMESTAMP = re.compile(r"<t:(?P<seconds>-?\d{1,12})(?::(?P<style>[tTdDfFsSR]))?>")
SUPPRESSED_LINK = re.compile(r"<(?P<url>https?://[^\s<>]+)>")
KINDS = {"@": "user", "@!": "user", "@&": "role", "#": "channel"}


def to_html(text: str) -> Markup:
    """The HTML of a message's text, safe to put into a page."""
    return Markup(_PARSER.render(text))


def _only_web(url: str) -> bool:
    return url.lower().startswith(("http://", "https://"))


def _spoiler(state: StateInline, silent: bool) -> bool:
    start = state.pos
    end = state.src.find("||", start + 2)
    if not state.src.startswith("||", start) or end <= start + 2 or end > state.posMax - 2:
        return False
    if not silent:
        opening = state.push("spoiler_open", "span", 1)
        opening.attrs = {
            "class": "spoiler",
            "role": "button",
            "tabindex": "0",
            "aria-label": "Spoiler",
            "aria-expanded": "false",
        }
        outer, state.pos, state.posMax = state.posMax, start + 2, end
        state.md.inline.tokenize(state)
        state.posMax = outer
        state.push("spoiler_close", "span", -1)
    state.pos = end + 2
    return True


def _push_span(state: StateInline, css_class: str, text: str) -> None:
    state.push("chip_open", "span", 1).attrs = {"class": css_class}
    state.push("text", "", 0).content = text
    state.push("chip_close", "span", -1)


def _angle(state: StateInline, silent: bool) -> bool:
    """Discord's codes in angle brackets."""
    for pattern, push in ANGLES:
        match = pattern.match(state.src, state.pos, state.posMax)
        if match:
            if not silent:
                push(state, match)
            state.pos = match.end()
            return True
    return False


def _push_mention(state: StateInline, match: re.Match[str]) -> None:
    command = match["command"]
    text = f"/{command}" if command else match["kind"][0] + KINDS[match["kind"]]
    _push_span(state, "mention", text)


def _push_emoji(state: StateInline, match: re.Match[str]) -> None:
    _push_span(state, "emoji", match["name"])


def _push_timestamp(state: StateInline, match: re.Match[str]) -> None:
    try:
        moment = datetime.fromtimestamp(int(match["seconds"]), UTC)
    except (OverflowError, ValueError):
        _push_span(state, "timestamp", "Invalid date")
        return
    _push_span(state, "timestamp", f"{moment:%d %B %Y %H:%M} UTC")
    if match["style"] == "R":
        # The page's script keeps these up to date.
        state.tokens[-3].attrs["data-ago"] = match["seconds"]


def _push_link(state: StateInline, match: re.Match[str]) -> None:
    state.push("link_open", "a", 1).attrs = {"href": state.md.normalizeLink(match["url"])}
    state.push("text", "", 0).content = match["url"]
    state.push("link_close", "a", -1)


def _line(state: StateBlock, number: int) -> str:
    return state.src[state.bMarks[number] + state.tShift[number] : state.eMarks[number]]


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`> ` quotes a line and `>>> ` everything after it; unlike in CommonMark, neither is lazy."""
    first = _line(state, start)
    if first.startswith(">>> "):
        stop = end
        lines = [first[4:], *(state.getLines(n, n + 1, 0, False) for n in range(start + 1, end))]
    else:
        stop = start
        while stop < end and _line(state, stop).startswith("> "):
            stop += 1
        lines = [_line(state, n)[2:] for n in range(start, stop)]
    if stop == start:
        return False
    if not silent:
        state.push("blockquote_open", "blockquote", 1)
        state.md.block.parse("\n".join(lines), state.md, state.env, state.tokens)
        state.push("blockquote_close", "blockquote", -1)
        state.line = stop
    return True


def _subtext(state: StateBlock, start: int, _end: int, silent: bool) -> bool:
    line = _line(state, start)
    if not line.startswith("-# ") or not line[3:].strip():
        return False
    if not silent:
        state.push("subtext_open", "small", 1).block = True
        inline = state.push("inline", "", 0)
        inline.content, inline.children = line[3:].strip(), []
        state.push("subtext_close", "small", -1).block = True
        state.line = start + 1
    return True


def _strong(renderer: RendererHTML, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    """`**` is bold, `__` underlined."""
    if tokens[index].markup == "__":
        tokens[index].tag = "u"
    return renderer.renderToken(tokens, index, *rest)


def _link(renderer: RendererHTML, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    tokens[index].attrs |= {"target": "_blank", "rel": "noopener noreferrer nofollow"}
    return renderer.renderToken(tokens, index, *rest)


def _heading(renderer: RendererHTML, tokens: Sequence[Token], index: int, *rest: Any) -> str:
    # A message's headings rank below the page's own, whatever their size.
    token = tokens[index]
    if token.nesting == 1:
        token.attrs = {"class": token.tag, "role": "heading", "aria-level": "4"}
    token.tag = "div"
    return renderer.renderToken(tokens, index, *rest)


def _fence(_renderer: RendererHTML, tokens: Sequence[Token], index: int, *_: Any) -> str:
    # Focusable, so that the keyboard can scroll wide content.
    return f'<pre tabindex="0"><code>{escape(tokens[index].content)}</code></pre>\n'


def _build() -> MarkdownIt:
    parser = MarkdownIt("zero", {"html": False, "breaks": True, "linkify": True})
    parser.enable(["fence", "heading", "list", "newline", "escape", "backticks", "emphasis"])
    parser.enable(["strikethrough", "link", "linkify", "balance_pairs", "fragments_join"])
    if parser.linkify is not None:
        parser.linkify.set({"fuzzy_link": False, "fuzzy_email": False, "fuzzy_ip": False})
    parser.validateLink = _only_web  # type: ignore[method-assign]
    parser.inline.add_terminator_char("|")
    parser.inline.ruler.before("emphasis", "spoiler", _spoiler)
    parser.inline.ruler.before("link", "angle", _angle)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "list"]}
    parser.block.ruler.before("heading", "quote", _quote, interrupts)
    parser.block.ruler.before("list", "subtext", _subtext, interrupts)
    for name, rule in (
        ("strong_open", _strong),
        ("strong_close", _strong),
        ("heading_open", _heading),
        ("heading_close", _heading),
        ("link_open", _link),
        ("fence", _fence),
    ):
        parser.add_render_rule(name, rule)
    return parser


ANGLES = (
    (MENTION, _push_mention),
    (EMOJI, _push_emoji),
    (TIMESTAMP, _push_timestamp),
    (SUPPRESSED_LINK, _push_link),
)

_PARSER = _build()
