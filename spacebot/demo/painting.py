"""A picture from words: they determine colours and shapes, and the seed where those go."""

from __future__ import annotations

import colorsys
import re

import numpy as np
from PIL import Image, ImageChops, ImageColor, ImageDraw, ImageFilter

from spacebot.demo.words import dice, matches

Palette = np.ndarray  # (colours, 3), 0–255, from the darkest to the lightest

# The beginning of a word, and its colours from the darkest to the lightest.
PALETTES = {
    "sunset|evening|dusk|sunrise|dawn": ("#2b1b4d", "#7a2a6b", "#d1495b", "#f79256", "#fbd1a2"),
    "sea|ocean|water|wave|lake|river|fish": ("#03203c", "#0a4c7a", "#1f8a9e", "#6cc6c4", "#e4f5ee"),
    "forest|tree|leaf|jungle|grass|green": ("#0d2b1d", "#24552f", "#5a8a3c", "#a7bf5b", "#f0ecc9"),
    "fire|lava|dragon|hell|volcano": ("#1a0508", "#6b0f1a", "#c1121f", "#f77f00", "#fcd581"),
    "ice|snow|winter|frost|arctic": ("#16324f", "#3c6e91", "#7fb2d0", "#bfdcea", "#f7fbff"),
    "night|space|galaxy|star|moon|cosm": ("#070b24", "#1c1f5a", "#4b3a9c", "#9a6bd0", "#f3d9fa"),
    "spring|blossom|cherry|love|rose|pink": ("#4a1942", "#a23e6c", "#e87ea1", "#f9c1cf", "#fff3ee"),
    "desert|sand|autumn|fall|canyon": ("#3b1f1a", "#7c3f24", "#c4773b", "#e8b26a", "#f9e7c4"),
    "candy|party|rainbow|happy|joy": ("#3a0ca3", "#b5179e", "#f72585", "#fca311", "#4cc9f0"),
    "gold|king|queen|crown|treasure": ("#1b1309", "#5c4113", "#a67c1f", "#e0b84c", "#fff1c1"),
    "storm|rain|fog|mist|grey|gray": ("#1c232b", "#3d4a57", "#6f8191", "#a9b7c1", "#e9eef1"),
}
FORMS = {
    "mountain|hill|valley|alp|landscape|canyon|desert|sunset|dawn|sunrise": "mountains",
    "sea|ocean|wave|water|lake|beach|river|fish": "waves",
    "night|star|space|galaxy|moon|cosm|aurora|sky": "sky",
    "flower|blossom|rose|bloom|garden|sunflower|spring|mandala": "bloom",
}


def paint(prompt: str, size: int, seed: int, form: str) -> Image.Image:
    """Paint a square picture of `size` pixels; `form` is a key of PAINTERS or "auto"."""
    rng = dice(prompt, seed)
    palette = choose_palette(prompt, rng)
    painter = PAINTERS[choose_form(prompt) if form == "auto" else form]
    # Drawn at twice the size and shrunk, because Pillow's lines are not anti-aliased.
    picture = painter(palette, 2 * size, rng)
    return picture.resize((size, size), Image.Resampling.LANCZOS)


def choose_palette(prompt: str, rng: np.random.Generator) -> Palette:
    """Five colours: of a thing named, otherwise of a colour named, otherwise neighbours on the
    wheel."""
    if named := next(matches(prompt, PALETTES), None):
        return np.array([ImageColor.getrgb(colour) for colour in named], float)
    words = re.findall(r"\w+", prompt.lower())
    colour = next((word for word in words if word in ImageColor.colormap), None)
    if colour:
        red, green, blue = ImageColor.getrgb(colour)[:3]
        return _neighbours(colorsys.rgb_to_hls(red / 255, green / 255, blue / 255)[0], 0.04)
    return _neighbours(float(rng.random()), float(rng.uniform(0.06, 0.16)))


def choose_form(prompt: str) -> str:
    """The key of PAINTERS that the words call for; flowing lines if they name none."""
    return next(matches(prompt, FORMS), "flow")


def _neighbours(hue: float, apart: float) -> Palette:
    """Five colours from dark to light, `apart` on a wheel of hues that is 1 around."""
    steps = zip(range(-2, 3), (0.13, 0.28, 0.45, 0.64, 0.9), strict=True)
    colours = [colorsys.hls_to_rgb((hue + n * apart) % 1, light, 0.62) for n, light in steps]
    return np.array(colours) * 255


def _ink(colour: np.ndarray, alpha: float = 1.0) -> tuple[int, int, int, int]:
    red, green, blue = (int(part) for part in np.clip(colour, 0, 255))
    return red, green, blue, int(255 * alpha)


def _mix(palette: Palette, at: np.ndarray) -> np.ndarray:
    """Colours along the palette: `at` is 0 (darkest) to 1 (lightest), of any shape."""
    places = np.linspace(0, 1, len(palette))
    return np.stack([np.interp(at, places, palette[:, part]) for part in range(3)], axis=-1)


def _field(size: int, cells: int, rng: np.random.Generator) -> np.ndarray:
    """A smooth landscape of (size, size) heights from 0 to 1, with about `cells` hills a side."""
    heights = np.zeros((size, size))
    for octave in range(3):
        # Bicubic enlargement of few random heights is smooth, and fast.
        coarse = rng.random((cells * 2**octave + 3,) * 2).astype(np.float32)
        layer = Image.fromarray(coarse).resize((size, size), Image.Resampling.BICUBIC)
        heights += np.asarray(layer) / 2.2**octave
    return (heights - heights.min()) / np.ptp(heights)


def _gradient(palette: Palette, size: int, top: float, bottom: float) -> Image.Image:
    column = _mix(palette, np.linspace(top, bottom, size))[:, None, :]
    return Image.fromarray(column.astype(np.uint8)).resize((size, size))


def _glow(picture: Image.Image, layer: Image.Image, radius: float) -> Image.Image:
    """Lay light over a picture: the layer and its blur, as light adds up."""
    small = layer.resize((layer.width // 4, layer.height // 4))
    halo = small.filter(ImageFilter.GaussianBlur(radius / 4)).resize(layer.size)
    return ImageChops.screen(ImageChops.screen(picture, halo), layer)


def _flow(palette: Palette, size: int, rng: np.random.Generator) -> Image.Image:
    """Thin lines that follow a smooth field."""
    grid = 256
    angle = _field(grid, int(rng.integers(2, 4)), rng) * 4 * np.pi
    shade = _field(grid, 2, rng)
    picture = _gradient(palette, size, 0.0, 0.22)
    draw = ImageDraw.Draw(picture, "RGBA")
    places = rng.random((2600, 2)) * 1.2 - 0.1
    trails = [places]
    for _ in range(46):
        column, row = np.clip(places * grid, 0, grid - 1).astype(int).T
        places = places + 0.006 * np.stack(
            [np.cos(angle[row, column]), np.sin(angle[row, column])], 1
        )
        trails.append(places)
    lines = np.stack(trails, axis=1) * size
    widths = np.maximum(1, (rng.exponential(0.0022, len(lines)) * size).astype(int))
    column, row = np.clip(lines[:, 0].T / size * grid, 0, grid - 1).astype(int)
    tone = np.clip(0.25 + 0.75 * shade[row, column] + rng.normal(0, 0.12, len(lines)), 0.15, 1)
    for line, width, colour in zip(lines, widths, _mix(palette, tone), strict=True):
        draw.line([tuple(point) for point in line], _ink(colour, 0.75), int(width), "curve")
    return picture


def _ridge(size: int, rough: float, rng: np.random.Generator) -> np.ndarray:
    """The outline of a mountain range: heights around 0, one for each pixel."""
    line = np.zeros(size)
    for octave in range(1, 8):
        knots = rng.normal(0, 1, 2**octave + 2)
        smooth = np.interp(np.linspace(0, len(knots) - 1, size), np.arange(len(knots)), knots)
        line += smooth * rough**octave
    return line


def _mountains(palette: Palette, size: int, rng: np.random.Generator) -> Image.Image:
    """Ranges one behind the other, paler with the distance, under a low sun."""
    picture = _gradient(palette, size, 0.45, 1.0)
    sun = Image.new("RGB", (size, size))
    middle, height, radius = (
        rng.uniform(0.25, 0.75),
        rng.uniform(0.25, 0.45),
        rng.uniform(0.05, 0.1),
    )
    box = [(middle - radius) * size, (height - radius) * size]
    box += [(middle + radius) * size, (height + radius) * size]
    ImageDraw.Draw(sun).ellipse(box, fill=_ink(palette[-1] * 0.8)[:3])
    picture = _glow(picture, sun, 0.06 * size)
    layers = 6
    for layer in range(layers):
        depth = layer / (layers - 1)
        line = size * (0.45 + 0.42 * depth - 0.075 * _ridge(size, 0.56, rng))
        colour = _mix(palette, np.array(0.72 * (1 - depth) ** 1.1))
        points = [(x, float(line[x])) for x in range(0, size, 2)]
        ImageDraw.Draw(picture).polygon([*points, (size, size), (0, size)], fill=_ink(colour)[:3])
    return picture


def _waves(palette: Palette, size: int, rng: np.random.Generator) -> Image.Image:
    """Rows of swell with light on their crests."""
    picture = _gradient(palette, size, 1.0, 0.6)
    draw = ImageDraw.Draw(picture, "RGBA")
    across, rows = np.linspace(0, 1, size // 4), 15
    for row in range(rows):
        depth = row / (rows - 1)
        swell = np.zeros_like(across)
        for harmonic in range(1, 5):
            turn = harmonic * (1.2 + 1.6 * (1 - depth)) * across + rng.random()
            swell += np.sin(2 * np.pi * turn) / harmonic**1.3
        line = size * (0.3 + 0.68 * depth**1.25 + (0.008 + 0.028 * depth) * swell)
        points = [(float(x), float(y)) for x, y in zip(across * size, line, strict=True)]
        colour = _mix(palette, np.array(0.78 * (1 - depth) + 0.05 * rng.random()))
        draw.polygon([*points, (size, size), (0, size)], fill=_ink(colour))
        draw.line(
            points, _ink(palette[-1], 0.25 + 0.4 * depth), max(1, int(size * 0.0025)), "curve"
        )
    return picture


def _sky(palette: Palette, size: int, rng: np.random.Generator) -> Image.Image:
    """Clouds of gas, and stars of many sizes."""
    cloud = _field(size // 2, 3, rng) ** 1.7
    colours = _mix(palette, 0.05 + 1.25 * cloud * _field(size // 2, 2, rng))
    picture = Image.fromarray(colours.astype(np.uint8)).resize((size, size))
    stars = Image.new("RGB", (size, size))
    draw = ImageDraw.Draw(stars)
    radii = np.clip(rng.pareto(2.2, 420) * 0.0009 + 0.0005, 0, 0.006) * size
    tones = _mix(palette, rng.uniform(0.75, 1, 420))
    for (x, y), radius, tone in zip(rng.random((420, 2)) * size, radii, tones, strict=True):
        draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=_ink(tone)[:3])
    return _glow(picture, stars, 0.008 * size)


def _bloom(palette: Palette, size: int, rng: np.random.Generator) -> Image.Image:
    """Petals set at the golden angle, as a sunflower sets its seeds."""
    picture = _gradient(palette, size, 0.0, 0.3)
    draw = ImageDraw.Draw(picture, "RGBA")
    count, turn = int(rng.integers(260, 420)), rng.random() * 2 * np.pi
    around = np.linspace(0, 2 * np.pi, 40)
    slim, curl = rng.uniform(0.28, 0.5), rng.uniform(-0.5, 0.5)
    for seed in range(count, 0, -1):
        far = np.sqrt(seed / count)
        angle = turn + seed * 2.399963
        length = size * (0.012 + 0.085 * far)
        # A petal is a circle pulled to a point at its outer end.
        x = length * np.cos(around)
        y = length * slim * np.sin(around) * np.sin(around / 2) * 1.4
        tilt = angle + curl * far
        middle = size * (0.5 + 0.4 * far * np.array([np.cos(angle), np.sin(angle)]))
        xs = middle[0] + x * np.cos(tilt) - y * np.sin(tilt)
        ys = middle[1] + x * np.sin(tilt) + y * np.cos(tilt)
        colour = _mix(palette, np.array(0.95 - 0.7 * far + rng.normal(0, 0.05)))
        petal = list(zip(xs.tolist(), ys.tolist(), strict=True))
        draw.polygon(petal, fill=_ink(colour, 0.85), outline=_ink(palette[0], 0.35))
    return picture


PAINTERS = {
    "flow": _flow,
    "mountains": _mountains,
    "waves": _waves,
    "sky": _sky,
    "bloom": _bloom,
}
