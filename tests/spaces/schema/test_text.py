"""Names and texts: whatever an author writes becomes what Discord accepts."""

import re
import warnings

import pytest

from spacebot.spaces.schema import legal_name, plain_text, shorten
from spacebot.spaces.schema.text import first_sentence, unique_name

with warnings.catch_warnings():
    # discord.py imports audioop, which Python 3.13 drops.
    warnings.simplefilter("ignore", DeprecationWarning)
    from discord.app_commands.commands import validate_name

NAMES = [
    ("Stable Diffusion XL", "stable_diffusion_xl"),
    ("musicgen", "musicgen"),
    ("🎨 Paint!", "paint"),
    ("my-space", "my-space"),
    ("a -- b", "a-b"),
    ("Négative Prompt", "négative_prompt"),
    ("ＦＵＬＬ width", "full_width"),
    ("İstanbul", "istanbul"),
    ("Don't panic", "dont_panic"),
    ("生成图像", "生成图像"),
    ("画像を生成する", "画像を生成する"),
    ("Сгенерировать", "сгенерировать"),
    ("हिन्दी अनुवाद", "हिन्दी_अनुवाद"),
    ("แปลภาษา", "แปลภาษา"),
    ("مترجم النص", "مترجم_النص"),
    ("ⅣⅤ ½", "ivv_1_2"),
    ("C++ / C#", "c_c"),
    ("🚀🚀", "fallback"),
    ("", "fallback"),
    ("___", "fallback"),
    ("\u200b\u202e", "fallback"),
    ("a" * 50, "a" * 32),
    ("generate a very long picture of a cat", "generate_a_very_long_picture_of"),
]


@pytest.mark.parametrize(("text", "name"), NAMES)
def test_a_legal_name(text: str, name: str):
    assert legal_name(text, "fallback") == name
    assert validate_name(name) == name
    assert legal_name(name, "fallback") == name


def test_every_character_gives_a_name_that_discord_takes():
    for point in range(0x20, 0x30000):
        validate_name(legal_name(chr(point) + "x", "fallback"))


def test_a_name_that_is_taken_gets_a_number_within_the_limit():
    assert unique_name("cat", {"cat", "cat_2"}) == "cat_3"
    long = "a" * 32
    assert unique_name(long, {long}) == "a" * 30 + "_2"


TEXTS = [
    ("**Bold** and [a link](https://x.y)", "Bold and a link"),
    ("<h1 style='x'>My <em>Title</em></h1>", "My Title"),
    ("Too much <b>work</b>.<br>Wait for <i>A</i>-1<p>Thanks", "Too much work. Wait for A-1 Thanks"),
    ("a < b and c > d", "a < b and c > d"),
    ("snake_case stays", "snake_case stays"),
    ({"en": "Name", "fr": "Nom"}, "Name"),
    ({"fr": "Nom"}, "Nom"),
    ({"__type__": "translation_metadata", "key": "hello"}, "Hello!"),
    ('__i18n__{"__type__": "translation_metadata", "key": "hello"} you', "Hello! you"),
    ('__i18n__{"__type__": "translation_metadata", "key": "user_name"}', "user name"),
    ('__i18n__{"__type__": "translation_metadata", "key": "common.submit"}', ""),
    (None, ""),
    (3, "3"),
    ("two\n\nlines\there", "two lines here"),
    ("&lt;b&gt; &amp; c", "<b> & c"),
]


@pytest.mark.parametrize(("value", "text"), TEXTS)
def test_plain_text(value: object, text: str):
    assert plain_text(value, {"de": {"hello": "Hallo"}, "en": {"hello": "Hello!"}}) == text


def test_the_first_sentence_ends_where_a_sentence_does():
    assert first_sentence("Uses e.g. v2.5 of it. Then more.") == "Uses e.g. v2.5 of it."
    assert first_sentence("一つ目。二つ目。") == "一つ目。"
    assert first_sentence("Title\n\nBody") == "Title"


def test_long_text_is_cut_at_a_word():
    cut = shorten("word " * 40)
    assert len(cut) <= 100
    assert re.fullmatch(r"(word )+word…", cut)
