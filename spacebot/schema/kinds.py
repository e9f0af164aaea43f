"""Gradio's component types, in lower case, by what they are to a person."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The set of the names in `text`."""
    return frozenset(text.split())


# They only show something: the page itself sends their value, or nothing, so nobody
# needs to be asked.
SHOWN = names(
    "html markdown label highlightedtext plot annotatedimage nativeplot lineplot"
    " barplot scatterplot state browserstate button downloadbutton timer"
    " paramviewer dataset navbar"
)
# Nothing of them can be shown to anybody elsewhere.
UNSEEN = names(
    "timer state browserstate navbar dataset button clearbutton duplicatebutton loginbutton"
    " deeplinkbutton"
)
TEXTS = names("textbox multimodaltextbox code")
MEDIA = names("image audio video file uploadbutton imageeditor imageslider gallery model3d")
DATA = names("dataframe json api")
# What a person brings, rather than a setting of the page's form.
CONTENT = TEXTS | MEDIA | DATA | {"chatbot"}
SETTINGS = names("slider number checkbox checkboxgroup radio dropdown colorpicker datetime")
# What can be an answer.
RESULTS = (
    MEDIA
    | DATA
    | names(
        "textbox markdown html label highlightedtext plot annotatedimage code chatbot"
        " downloadbutton nativeplot lineplot barplot scatterplot number"
    )
)
