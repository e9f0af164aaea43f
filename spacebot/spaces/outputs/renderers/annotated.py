"""Pictures with marked parts, drawn: each mask in the colour of its label, and a legend."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageFont

from spacebot.models import File
from spacebot.spaces.outputs import text
from spacebot.spaces.outputs.files import RenderContext, Rendered
from spacebot.spaces.outputs.shrink import open_picture
from spacebot.wording import clip

# Colours that stay apart for most eyes (Okabe and Ito).
_PALETTE = ("#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#999999")
_MASK_OPACITY = 0.7
_MAX_LEGEND_ENTRIES = 24
# Larger pictures are drawn smaller: more would only cost memory.
_MAX_SIDE = 4096
_MAX_MARKS = 100


class AnnotatedImageRenderer:
    """A picture with masks or boxes over it."""

    def __call__(self, value: Any, place: RenderContext) -> Rendered:
        base: File = value["image"]
        marks = [one for one in value.get("annotations") or () if _is_here(one.get("image"))]
        marks = marks[:_MAX_MARKS]
        if not marks or not _is_here(base) or place.attachments.folder is None:
            return place.add(base)
        colours = _colours([str(one["label"]) for one in marks], place.props.get("color_map"))
        try:
            drawn = _draw(base, marks, colours)
        except (OSError, ValueError, MemoryError, Image.DecompressionBombError):
            return place.add(base)
        marked = "Marked in the picture: " + ", ".join(colours)
        picture = place.write(drawn, ".png", marked)
        return Rendered(text.escape(clip(marked, 500)), picture.files) if picture else picture


def _is_here(file: Any) -> bool:
    return isinstance(file, File) and file.path is not None and file.path.is_file()


def _colours(labels: Sequence[str], own_colours: Mapping[str, str] | None) -> dict[str, str]:
    """Return a colour for each label: the Space's own, else one of the palette."""
    unique = dict.fromkeys(labels)
    return {
        label: (own_colours or {}).get(label) or _PALETTE[number % len(_PALETTE)]
        for number, label in enumerate(unique)
    }


def _draw(base: File, marks: Sequence[Mapping[str, Any]], colours: Mapping[str, str]) -> bytes:
    assert base.path is not None
    with open_picture(base.path) as whole:
        whole.thumbnail((_MAX_SIDE, _MAX_SIDE))
        picture = whole.convert("RGBA")
    for mark in marks:
        # Gradio keeps how strongly a pixel is marked in the mask's transparency;
        # the colour is the page's affair.
        with open_picture(mark["image"].path) as drawn:
            mask = _strength(drawn, picture.size)
        colour = Image.new("RGBA", picture.size, _colour(colours[str(mark["label"])]))
        colour.putalpha(mask.point(lambda strength: int(strength * _MASK_OPACITY)))
        picture.alpha_composite(colour)
    stream = io.BytesIO()
    _with_legend(picture, colours).save(stream, "PNG")
    return stream.getvalue()


def _strength(mask: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Return how strongly each pixel is marked, for a picture of that size."""
    if mask.mode == "RGBA":
        return mask.getchannel("A").resize(size)
    if not mask.has_transparency_data:
        return Image.new("L", size, 255)
    return mask.convert("RGBA").getchannel("A").resize(size)


def _colour(name: str) -> tuple[int, ...]:
    try:
        return ImageColor.getrgb(name)
    except ValueError:
        return ImageColor.getrgb(_PALETTE[0])


def _with_legend(picture: Image.Image, colours: Mapping[str, str]) -> Image.Image:
    """Return the picture with a strip below it that names the colours."""
    size = max(14, picture.width // 40)
    font = ImageFont.load_default(size)
    x, y, places = size // 2, size // 2, []
    for label, colour in list(colours.items())[:_MAX_LEGEND_ENTRIES]:
        label = clip(label, 40)
        room = int(font.getlength(label)) + 3 * size
        if x > size and x + room > picture.width:
            x, y = size // 2, y + 2 * size
        places.append((x, y, label, colour))
        x += room
    sheet = Image.new("RGB", (picture.width, picture.height + y + 2 * size), "white")
    sheet.paste(picture, (0, 0), picture)
    pen = ImageDraw.Draw(sheet)
    for left, top, label, colour in places:
        top += picture.height
        pen.rectangle((left, top, left + size, top + size), fill=_colour(colour)[:3])
        pen.text((left + size * 1.5, top), label, fill="black", font=font)
    return sheet
