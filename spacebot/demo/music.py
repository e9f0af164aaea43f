"""A tune from words: they determine tempo, scale, instrument and drums; the seed, the notes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spacebot.demo.words import dice, matches

SAMPLE_RATE = 32_000

Sound = np.ndarray  # float64, one value a sample, about -1 to 1


@dataclass(frozen=True, slots=True)
class Mood:
    """The character of a tune: `tempo` in beats a minute, `scale` in semitones above the root."""

    tempo: int
    scale: tuple[int, ...]
    voice: str
    drums: bool = False
    octave: int = 0


MAJOR = (0, 2, 4, 5, 7, 9, 11)
MINOR = (0, 2, 3, 5, 7, 8, 10)
DORIAN = (0, 2, 3, 5, 7, 9, 10)
LYDIAN = (0, 2, 4, 6, 7, 9, 11)
PHRYGIAN_DOMINANT = (0, 1, 4, 5, 7, 8, 10)
HIRAJOSHI = (0, 2, 3, 7, 8)
BLUES = (0, 3, 5, 6, 7, 10)

# The beginning of a word, and what it changes; a later word of the prompt wins over an earlier one.
WORDS: dict[str, dict[str, Any]] = {
    "calm|quiet|gentl|soft|relax|peace|ambient": {"tempo": 66, "drums": False},
    "slow|sleep|lullab|dream|night": {"tempo": 60, "drums": False},
    "sad|melanchol|lonel|rain|blue|tear|winter": {"tempo": 72, "scale": MINOR},
    "dark|scar|horror|ghost|myster|storm": {"tempo": 80, "scale": MINOR, "octave": -1},
    "happy|joy|cheer|sun|bright|summer|birthday": {"tempo": 124, "scale": MAJOR},
    "fast|quick|energ|run|race|chase": {"tempo": 152},
    "epic|hero|battle|brave|march": {"tempo": 112, "scale": MINOR, "drums": True},
    "danc|disco|techno|house|party|club|beat|drum": {"tempo": 126, "drums": True},
    "rock|punk|metal": {"tempo": 140, "scale": BLUES, "drums": True, "voice": "guitar"},
    "jazz|funk|soul|swing": {"tempo": 104, "scale": DORIAN, "drums": True},
    "lofi|lo|chill|study": {"tempo": 78, "scale": DORIAN, "drums": True},
    "space|magic|wonder|fairy|star|sky": {"tempo": 84, "scale": LYDIAN, "voice": "bells"},
    "japan|zen|koto|bamboo|garden": {"tempo": 76, "scale": HIRAJOSHI, "voice": "guitar"},
    "desert|orient|arab|egypt|camel": {"tempo": 96, "scale": PHRYGIAN_DOMINANT, "voice": "flute"},
    "minor": {"scale": MINOR},
    "major": {"scale": MAJOR},
    "8bit|8|chip|game|arcade|retro|robot|synth": {"voice": "chip"},
    "piano|keys": {"voice": "piano"},
    "guitar|harp|lute|banjo|string": {"voice": "guitar"},
    "flute|whistl|pipe|wind|bird": {"voice": "flute"},
    "bell|chime|box|glocken|christmas": {"voice": "bells"},
    "organ|church|choir|cathedral": {"voice": "organ"},
    "marimba|xylo|wood|jungle|island": {"voice": "marimba"},
}
PROGRESSIONS = ((0, 4, 5, 3), (0, 5, 3, 4), (0, 3, 4, 0), (5, 3, 0, 4), (0, 2, 3, 4))


def compose(prompt: str, seed: int, seconds: float) -> Sound:
    """Synthesize a tune: float samples in two columns, RATE a second, the loudest at 0.9."""
    rng = dice(prompt, seed)
    mood = read_mood(prompt)
    beat = 60 / mood.tempo
    track = np.zeros(int(seconds * SAMPLE_RATE))
    bars = max(1, int(np.ceil(seconds / (4 * beat))))
    root = 60 + int(rng.integers(-5, 6)) + 12 * mood.octave
    chords = PROGRESSIONS[rng.integers(len(PROGRESSIONS))]
    motif = _motif(rng)
    for bar in range(bars):
        chord = chords[bar % 4] % len(mood.scale)
        start = bar * 4 * beat
        _accompany(track, mood, root, chord, start, beat)
        _sing(track, mood, root, chord, motif if bar % 4 != 3 else _motif(rng), start, beat)
        if mood.drums:
            _drum(track, rng, start, beat)
    return _room(track, rng)


def read_mood(prompt: str) -> Mood:
    """The mood that the words name; words without a meaning here choose by their spelling."""
    rng = dice(prompt, 0)
    voices = list(VOICES)
    mood = Mood(
        tempo=int(rng.integers(84, 121)),
        scale=(MAJOR, MINOR, DORIAN, LYDIAN)[rng.integers(4)],
        voice=voices[rng.integers(len(voices))],
    )
    for changes in matches(prompt, WORDS):
        mood = replace(mood, **changes)
    return mood


def _motif(rng: np.random.Generator) -> list[tuple[float, float, int]]:
    """One bar of melody: (beat, length in beats, steps of the scale above the chord)."""
    rhythm = ((1, 1, 1, 1), (1.5, 0.5, 1, 1), (0.5, 0.5, 1, 2), (1, 0.5, 0.5, 2), (3, 1))
    notes, at, step = [], 0.0, int(rng.choice([0, 2, 4]))
    for length in rhythm[rng.integers(len(rhythm))]:
        notes.append((at, length, step))
        at += length
        step = int(np.clip(step + rng.choice([-2, -1, -1, 1, 1, 2]), -2, 7))
    return notes


def _pitch(mood: Mood, root: int, step: int) -> float:
    """The frequency in Hz of a step of the scale."""
    octave, index = divmod(step, len(mood.scale))
    return 440 * 2 ** ((root + mood.scale[index] + 12 * octave - 69) / 12)


def _accompany(track: Sound, mood: Mood, root: int, chord: int, start: float, beat: float) -> None:
    """A bass note, and the chord's notes one after the other."""
    _add(track, start, VOICES["organ"](_pitch(mood, root - 24, chord), 3.6 * beat), 0.22)
    for eighth in range(8):
        step = chord + (0, 2, 4, 2, 4, 2, 4, 2)[eighth]
        note = VOICES[mood.voice](_pitch(mood, root - 12, step), 0.9 * beat)
        _add(track, start + eighth * beat / 2, note, 0.16)


def _sing(
    track: Sound,
    mood: Mood,
    root: int,
    chord: int,
    motif: list[tuple[float, float, int]],
    start: float,
    beat: float,
) -> None:
    for at, length, step in motif:
        note = VOICES[mood.voice](_pitch(mood, root, chord + step), length * beat * 1.1)
        _add(track, start + at * beat, note, 0.4)


def _drum(track: Sound, rng: np.random.Generator, start: float, beat: float) -> None:
    """Kick on the beat, snare on two and four, a hi-hat between."""
    time = np.arange(int(0.25 * SAMPLE_RATE)) / SAMPLE_RATE
    kick = np.sin(2 * np.pi * (45 * time + 9 * (1 - np.exp(-time * 30)))) * np.exp(-time * 14)
    noise = rng.standard_normal(time.size)
    snare = noise * np.exp(-time * 26) * 0.5 + np.sin(2 * np.pi * 190 * time) * np.exp(-time * 30)
    hat = np.diff(noise, prepend=0) * np.exp(-time * 70)
    for quarter in range(4):
        _add(track, start + quarter * beat, kick if quarter % 2 == 0 else snare * 0.6, 0.5)
        _add(track, start + (quarter + 0.5) * beat, hat, 0.1)


def _add(track: Sound, at: float, note: Sound, loudness: float) -> None:
    first = int(at * SAMPLE_RATE)
    room = track[first : first + note.size]
    room += loudness * note[: room.size]


def _room(track: Sound, rng: np.random.Generator) -> Sound:
    """Left and right with a hall of their own, faded at both ends."""
    size = int(1.4 * SAMPLE_RATE)
    length = track.size + size
    fall = np.exp(-np.arange(size) / SAMPLE_RATE * 4.5)
    dry, sides = np.fft.rfft(track, length), []
    for _ in range(2):
        echo = rng.standard_normal(size) * fall
        echo = np.convolve(echo, np.ones(12) / 12, "same") / np.sqrt(np.sum(echo**2))
        wet = np.fft.irfft(dry * np.fft.rfft(echo, length), length)[: track.size]
        sides.append(track + 0.9 * wet)
    stereo = np.stack(sides, axis=1)
    fade = min(track.size // 4, SAMPLE_RATE)
    stereo[-fade:] *= np.linspace(1, 0, fade)[:, None]
    return 0.9 * stereo / max(np.abs(stereo).max(), 1e-9)


def _time(seconds: float) -> Sound:
    return np.arange(max(1, int(seconds * SAMPLE_RATE))) / SAMPLE_RATE


def _shape(time: Sound, attack: float, release: float) -> Sound:
    """Rise and fall, both in seconds, without a click at either end."""
    left = time[-1] - time
    return np.clip(time / attack, 0, 1) * np.clip(left / release, 0, 1)


def _partials(pitch: float, time: Sound, parts: tuple[tuple[float, float, float], ...]) -> Sound:
    """Add sines of (multiple of the pitch, loudness, decay a second), none that would alias."""
    return sum(
        (
            loudness * np.sin(2 * np.pi * pitch * multiple * time) * np.exp(-decay * time)
            for multiple, loudness, decay in parts
            if pitch * multiple < SAMPLE_RATE / 2
        ),
        np.zeros_like(time),
    )


@dataclass(frozen=True, slots=True)
class Instrument:
    """Partials that fade: it sounds for `tail` seconds more, rising and falling within so many."""

    parts: tuple[tuple[float, float, float], ...]
    tail: float
    attack: float
    release: float

    def __call__(self, pitch: float, seconds: float) -> Sound:
        time = _time(seconds + self.tail)
        return _partials(pitch, time, self.parts) * _shape(time, self.attack, self.release)


def _flute(pitch: float, seconds: float) -> Sound:
    time = _time(seconds)
    sway = pitch * time + 0.003 * pitch / 5 * np.sin(2 * np.pi * 5 * time) * np.clip(time * 3, 0, 1)
    tone = sum(a * np.sin(2 * np.pi * n * sway) for n, a in ((1, 0.7), (2, 0.18), (3, 0.07)))
    return np.asarray(tone) * _shape(time, 0.06, 0.12)


PIANO = tuple((n * (1 + 0.0004 * n * n), 0.9 / n**1.4, 1.6 + 0.9 * n) for n in range(1, 8))
GUITAR = tuple((n, 0.9 * abs(np.sin(n * 0.7)) / n, 1.2 + 0.7 * n) for n in range(1, 14))
# A square wave, made of its odd partials so that it does not alias.
CHIP = tuple((n, 0.45 / n, 0.8) for n in range(1, 16, 2))
BELLS = ((1, 0.6, 2.2), (2.76, 0.3, 4), (5.4, 0.12, 7), (2, 0.2, 2.5))
VOICES: dict[str, Callable[[float, float], Sound]] = {
    "piano": Instrument(PIANO, 0.5, 0.004, 0.2),
    "guitar": Instrument(GUITAR, 0.6, 0.003, 0.2),
    "flute": _flute,
    "bells": Instrument(BELLS, 1.2, 0.002, 0.3),
    "organ": Instrument(((1, 0.5, 0), (2, 0.25, 0), (3, 0.1, 0), (4, 0.08, 0)), 0, 0.05, 0.15),
    "marimba": Instrument(((1, 0.8, 5), (3.93, 0.25, 16), (9.5, 0.06, 40)), 0.3, 0.003, 0.1),
    "chip": Instrument(CHIP, 0, 0.004, 0.03),
}
