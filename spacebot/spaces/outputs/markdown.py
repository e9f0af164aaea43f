"""Converting a Space's Markdown and HTML into Discord's markdown.

Markdown is turned into HTML first, since Spaces mix the two freely; then one converter writes what
Discord can show and drops the rest.
"""

# ruff: noqa: ARG001, ARG002 - the signatures are the libraries'

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from bs4 import BeautifulSoup, Tag
from bs4.exceptions import ParserRejectedMarkup
from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdownify import ATX, MarkdownConverter
from mdit_py_plugins.dollarmath import dollarmath_plugin
from mdit_py_plugins.texmath import texmath_plugin
from pylatexenc.latex2text import LatexNodes2Text

from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import is_public

# Discord shows at most three messages of 2,000 characters; the rest goes unconverted into a file,
# so converting more is pointless.
_MAX_LENGTH = 20_000
_MAX_TABLE_WIDTH = 90
# The deepest nesting of LaTeX that is converted to text.
_MAX_LATEX_DEPTH = 8
_TAG = re.compile(r"</?([A-Za-z][\w-]*)")
_PICTURE = re.compile(r"data:image/[\w.+-]+;base64,[A-Za-z0-9+/=]+")
_NUMBERED = re.compile(r"data:(\d{1,6})")
_INLINE = "_inline"
_KNOWN_TAGS = frozenset(
    """a abbr address article aside audio b big blockquote body br button canvas caption center
    cite code col colgroup dd del details dfn div dl dt em embed fieldset figcaption figure font
    footer form h1 h2 h3 h4 h5 h6 head header hr html i iframe img input ins kbd label legend li
    link main mark meta nav object ol optgroup option p picture pre progress q s samp script
    section select small source span strike strong style sub summary sup svg table tbody td
    template textarea tfoot th thead time title tr tt u ul var video wbr""".split()  # noqa: SIM905
)


class _Converter(MarkdownConverter):
    """HTML → Discord's markdown; the numbers of its pictures are collected in `pictures`."""

    class Options:
        heading_style = ATX
        bullets = "-"
        autolinks = False

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.pictures: list[tuple[int, str]] = []

    def escape(self, text_: str, parent_tags: set[str]) -> str:
        return text.escape(text_)

    def convert_a(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        address = _attribute(el, "href")
        if not is_public(address) or "_noformat" in parent_tags:
            return text_
        if el.get_text(strip=True).rstrip("/") == address.rstrip("/"):
            return text.named_link("", address) or text_
        return text.named_link(" ".join(text_.split()), address)

    def convert_img(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        source, alt = _attribute(el, "src"), _attribute(el, "alt")
        if number := _NUMBERED.fullmatch(source):
            self.pictures.append((int(number[1]), alt))
            return ""
        return text.named_link(text.escape(alt) or "picture", source) if source else ""

    def convert_video(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        source = el if el.get("src") else el.find("source")
        address = _attribute(source, "src") if isinstance(source, Tag) else ""
        return f"\n\n{text.named_link(el.name, address)}\n\n" if address.startswith("http") else ""

    convert_audio = convert_video

    def convert_iframe(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        address = _attribute(el, "src")
        if not is_public(address) or _is_own_page(address):
            return ""
        name = text.escape(_attribute(el, "title")) or "page"
        return f"\n\n{text.named_link(name, address)}\n\n"

    def convert_hN(self, n: int, el: Tag, text_: str, parent_tags: set[str]) -> str:  # noqa: N802
        # Discord has three sizes of headings.
        line = " ".join(text_.split())
        if not line or _INLINE in parent_tags:
            return line
        plain = line.replace("**", "")
        return f"\n\n{'#' * n} {line}\n\n" if n <= 3 else f"\n\n**{plain}**\n\n"

    def convert_hr(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return "\n\n──────────\n\n"

    def convert_br(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return " " if _INLINE in parent_tags else "\n"

    def convert_code(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return text_ if "pre" in parent_tags else text.code(text_) if text_.strip() else ""

    convert_kbd = convert_samp = convert_tt = convert_code

    def convert_pre(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        if not text_.strip() or _INLINE in parent_tags:
            return text.code(text_) if text_.strip() else ""
        classes = " ".join(el.get_attribute_list("class"))
        inner = el.find("code")
        if isinstance(inner, Tag):
            classes += " " + " ".join(map(str, inner.get_attribute_list("class")))
        language = re.search(r"\blanguage-(\S+)", classes)
        return f"\n\n{text.fence(el.get_text(), language[1] if language else '')}\n\n"

    def convert_table(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        if el.find("table") is not None:
            # A table around tables is a page's layout: only the content of its cells matters.
            return f"\n\n{text_}\n\n"
        rows = [
            [cell.get_text(" ", strip=True) for cell in row.find_all(["td", "th"])]
            for row in el.find_all("tr")
        ]
        rows = [row for row in rows if any(row)]
        return f"\n\n{format_table(rows[0], rows[1:])}\n\n" if rows else ""

    def convert_tr(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return text_

    def convert_td(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return f"{text_.strip()}\n"

    convert_th = convert_td

    def convert_summary(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return f"\n\n**{text_.strip().replace('**', '')}**\n" if text_.strip() else ""

    def convert_u(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return f"__{text_.strip()}__" if text_.strip() else ""

    convert_ins = convert_u

    def convert_dd(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return f"{text_.strip()}\n"

    def _nothing(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        return ""

    convert_title = convert_svg = convert_select = convert_template = convert_head = _nothing

    def convert_button(self, el: Tag, text_: str, parent_tags: set[str]) -> str:
        # Beside an answer it is useless here; on its own it is the answer.
        whole = [*el.parents][-1].get_text(strip=True)
        return text_ if whole == el.get_text(strip=True) else ""

    convert_textarea = convert_canvas = convert_object = _nothing


def _is_own_page(address: str) -> bool:
    """Say whether an address is a whole Space's page, which shows nothing of this result."""
    parts = urlsplit(address)
    whole = parts.path.strip("/") == "" and not parts.query
    return whole and (parts.hostname or "").endswith(".hf.space")


def _attribute(el: Tag, name: str) -> str:
    return str(el.get(name) or "").strip()


def format_table(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table as an aligned code block, or as a list if it is too wide."""
    aligned = text.table(headers, rows, cell=_MAX_TABLE_WIDTH)
    if not rows or max(map(text.width, aligned.split("\n"))) <= _MAX_TABLE_WIDTH:
        return text.fence(aligned)
    return "\n".join(
        "- "
        + " · ".join(
            f"{text.bold(name)} {text.escape(' '.join(cell.split()))}"
            if name
            else text.escape(cell)
            for name, cell in zip([*headers, *[""] * len(row)], row, strict=False)
            if cell
        )
        for row in rows
    )


def from_html(html: str) -> tuple[str, list[tuple[str, str]]]:
    """Return HTML as Discord's markdown, with its `data:` pictures as (address, alt text)."""
    html, pictures = _without_pictures(html)
    return _convert(html, pictures, wrap=True)


def from_markdown(source: str) -> tuple[str, list[tuple[str, str]]]:
    """Return markdown as Discord's, with its `data:` pictures as (address, alt text)."""
    source, pictures = _without_pictures(source)
    return _convert(_parser().render(source), pictures, wrap=False)


def _without_pictures(source: str) -> tuple[str, list[str]]:
    """Return the part of a text that is worth converting, with numbers for its pictures."""
    pictures: list[str] = []

    def numbered(match: re.Match[str]) -> str:
        pictures.append(match[0])
        return f"data:{len(pictures) - 1}"

    return text.clean(_PICTURE.sub(numbered, source)[:_MAX_LENGTH]), pictures


def _convert(
    html: str, pictures: Sequence[str], *, wrap: bool
) -> tuple[str, list[tuple[str, str]]]:
    """Return HTML as markdown; `wrap` says that line ends in it mean no more than spaces."""
    # A line break is written as "<br>" and a newline, which would count twice.
    converter = _Converter(wrap=wrap, wrap_width=None)
    try:
        soup = BeautifulSoup(re.sub(r"(<br ?/?>)[ \t]*\n", r"\1", html), "html.parser")
        written = converter.convert_soup(soup)
    except (RecursionError, ParserRejectedMarkup):
        written = text.escape(text.strip_to_line(html))
    written = "\n".join(line.rstrip(" \t") for line in written.split("\n"))
    found = [(number, alt) for number, alt in converter.pictures if number < len(pictures)]
    return (
        re.sub(r"\n{3,}", "\n\n", written).strip(),
        [(pictures[number], alt) for number, alt in found],
    )


@cache
def _parser() -> MarkdownIt:
    options = {"html": True, "linkify": False}
    parser = MarkdownIt("commonmark", options).enable(["table", "strikethrough"])
    dollarmath_plugin(parser, allow_space=False, allow_digits=False, double_inline=True)
    texmath_plugin(parser, delimiters="brackets")
    # A picture may be a `data:` address of any size; nothing is fetched or run here.
    parser.validateLink = lambda _: True  # pyright: ignore[reportAttributeAccessIssue]
    for kind in ("math_inline", "math_inline_double", "math_single"):
        parser.add_render_rule(kind, _math)
    for kind in ("math_block", "math_block_label", "math_block_eqno"):
        parser.add_render_rule(kind, _math_block)
    for kind in ("html_inline", "html_block"):
        parser.add_render_rule(kind, _known_html)
    return parser


def _math(self: RendererHTML, tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Write LaTeX as readable text: ∫, √, x², a/b."""
    latex = tokens[index].content
    try:
        # Nested parts are parsed again at each level: 160 fractions would take forever.
        readable = (
            latex if _depth(latex) > _MAX_LATEX_DEPTH else _latex().latex_to_text(latex).strip()
        )
    except (ValueError, RecursionError, IndexError):
        readable = latex
    return _html(_raise_exponents(readable) or latex)


def _depth(latex: str) -> int:
    """Return the maximum nesting depth of LaTeX, counting unclosed braces too."""
    depth = most = 0
    for letter in latex:
        depth += (letter in "{[") - (letter in "}]")
        most = max(most, depth)
    return most


def _math_block(self: RendererHTML, tokens: Sequence[Token], index: int, *_: Any) -> str:
    return f"<p>{_math(self, tokens, index)}</p>\n"


def _known_html(self: RendererHTML, tokens: Sequence[Token], index: int, *_: Any) -> str:
    """Keep HTML; what only looks like a tag (`List<int>`, `<think>`) stays text."""
    return _TAG.sub(
        lambda m: m[0] if m[1].lower() in _KNOWN_TAGS else m[0].replace("<", "&lt;"),
        tokens[index].content,
    )


def _html(plain: str) -> str:
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


@cache
def _latex() -> LatexNodes2Text:
    return LatexNodes2Text(math_mode="text", strict_latex_spaces=False)


_SUPERSCRIPTS = str.maketrans("0123456789+-=()ni", "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁼⁽⁾ⁿⁱ")
_SUBSCRIPTS = str.maketrans("0123456789+-=()", "₀₁₂₃₄₅₆₇₈₉₊₋₌₍₎")


def _raise_exponents(readable: str) -> str:
    """Return math with its short exponents and indices set high and low."""
    readable = re.sub(r"\^([\dni+-]|-\d)(?!\w)", lambda m: m[1].translate(_SUPERSCRIPTS), readable)
    return re.sub(r"_(\d)(?!\w)", lambda m: m[1].translate(_SUBSCRIPTS), readable)
