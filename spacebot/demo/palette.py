"""What a picture looks like, in words: its size, shape, light and colours."""

from __future__ import annotations

from math import gcd

import numpy as np
from PIL import Image, ImageColor

# Names that people use, each with a typical colour.
NAMES = {
    "black": "#0a0a0a",
    "dark grey": "#4a4a4a",
    "grey": "#8c8c8c",
    "light grey": "#cfcfcf",
    "white": "#fafafa",
    "red": "#d62020",
    "dark red": "#7a1218",
    "orange": "#f5862a",
    "brown": "#7b4a26",
    "beige": "#e6d3ae",
    "yellow": "#f7dc2e",
    "gold": "#c79a2c",
    "olive": "#76762c",
    "light green": "#9ad67a",
    "green": "#2f9a3f",
    "dark green": "#17472a",
    "turquoise": "#2fb8ad",
    "light blue": "#a3d2f0",
    "blue": "#2a62d0",
    "dark blue": "#12275a",
    "purple": "#7437a8",
    "lilac": "#c2a0de",
    "magenta": "#cf2fa4",
    "pink": "#f39ab8",
}

# A colour with less chroma than this looks grey, and its name depends on lightness alone: the names
# up to these lightnesses (0–1). The nearest of all colours could be a dark green.
MAX_GREY_CHROMA = 0.025
GREYS = {"black": 0.2, "dark grey": 0.5, "grey": 0.72, "light grey": 0.93, "white": np.inf}


def colour_shares(picture: Image.Image) -> dict[str, float]:
    """The share of the picture that each named colour has (0–1, largest first, sum 1)."""
    small = picture.convert("RGB").copy()
    small.thumbnail((160, 160))
    pixels = _oklab(np.asarray(small, float).reshape(-1, 3))
    named = _oklab(np.array([ImageColor.getrgb(colour) for colour in NAMES.values()], float))
    nearest = ((pixels[:, None, :] - named) ** 2).sum(-1).argmin(-1)
    grey = np.hypot(pixels[:, 1], pixels[:, 2]) < MAX_GREY_CHROMA
    places = np.array([list(NAMES).index(name) for name in GREYS])
    nearest[grey] = places[np.searchsorted(list(GREYS.values()), pixels[grey, 0])]
    counts = np.bincount(nearest, minlength=len(NAMES)) / len(pixels)
    shares = {name: float(share) for name, share in zip(NAMES, counts, strict=True) if share}
    return dict(sorted(shares.items(), key=lambda item: -item[1]))


def describe(picture: Image.Image, shares: dict[str, float]) -> str:
    """Two sentences: size, shape and light; then the colours that have a tenth or more."""
    width, height = picture.size
    lab = _oklab(np.asarray(picture.convert("RGB").resize((64, 64)), float).reshape(-1, 3))
    light = _step(lab[:, 0].mean(), ((0.35, "dark"), (0.68, "neither dark nor bright")), "bright")
    chroma = np.hypot(lab[:, 1], lab[:, 2]).mean()
    colour = _step(chroma, ((0.02, "without colour"), (0.08, "softly coloured")), "colourful")
    main = [f"{name} ({share:.0%})" for name, share in shares.items() if share >= 0.1]
    main = main or [f"{name} ({share:.0%})" for name, share in list(shares.items())[:3]]
    listed = main[0] if len(main) == 1 else f"{', '.join(main[:-1])} and {main[-1]}"
    return (
        f"{width:,} × {height:,} pixels, {_shape(width, height)}; {light} and {colour}. "
        f"Mostly {listed}."
    )


def _shape(width: int, height: int) -> str:
    if width == height:
        return "square"
    divisor = gcd(width, height)
    ratio = f" ({width // divisor}:{height // divisor})" if width // divisor <= 21 else ""
    return ("landscape" if width > height else "portrait") + ratio


def _step(value: float, steps: tuple[tuple[float, str], ...], highest: str) -> str:
    return next((word for limit, word in steps if value < limit), highest)


def _oklab(rgb: np.ndarray) -> np.ndarray:
    """sRGB (n, 3) of 0–255 as Oklab, where distance is close to what eyes see."""
    part = rgb / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    cone = np.cbrt(
        linear
        @ np.array(
            [
                [0.4122214708, 0.2119034982, 0.0883024619],
                [0.5363325363, 0.6806995451, 0.2817188376],
                [0.0514459929, 0.1073969566, 0.6299787005],
            ]
        )
    )
    return cone @ np.array(
        [
            [0.2104542553, 1.9779984951, 0.0259040371],
            [0.7936177850, -2.4285922050, 0.7827717662],
            [-0.0040720468, 0.4505937099, -0.8086757660],
        ]
    )
