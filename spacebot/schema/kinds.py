"""Gradio's component types, in lower case, by what they are to a person."""

from __future__ import annotations


def names(text: str) -> frozenset[str]:
    """The set of the names in `text`."""
    return frozenset(text.split())


# What `inputs` knows how to ask a person for.
ASKABLE = names(
    "textbox number slider checkbox checkboxgroup radio dropdown image audio video file"
    " uploadbutton imageeditor gallery model3d multimodaltextbox dataframe json datetime"
    " colorpicker code chatbot"
)
# They only show something: the page itself sends their value, or nothing, so nobody
# needs to be asked.
SHOWN = names(
    "html markdown label highlightedtext plot annotatedimage imageslider nativeplot lineplot"
    " barplot scatterplot state browserstate button downloadbutton timer fileexplorer"
    " paramviewer dataset navbar"
)
TEXTS = names("textbox multimodaltextbox code")
MEDIA = names("image audio video file uploadbutton imageeditor gallery model3d")
DATA = names("dataframe json")
# What a person brings, rather than a setting of the page's form.
CONTENT = TEXTS | MEDIA | DATA | {"chatbot"}
SETTINGS = names("slider number checkbox checkboxgroup radio dropdown colorpicker datetime")
# What can be an answer.
RESULTS = (
    MEDIA
    | DATA
    | names(
        "textbox markdown html label highlightedtext plot annotatedimage imageslider code chatbot"
        " downloadbutton nativeplot lineplot barplot scatterplot number"
    )
)
