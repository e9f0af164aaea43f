"""Gradio's component types, in lower case, by their role for a person."""

from __future__ import annotations


def name_set(text: str) -> frozenset[str]:
    """The set of the names in `text`."""
    return frozenset(text.split())


# Display-only: the page itself sends their value, or nothing, so nobody needs to be asked.
DISPLAY_COMPONENTS = name_set(
    "html markdown label highlightedtext plot annotatedimage nativeplot lineplot"
    " barplot scatterplot state browserstate button downloadbutton timer"
    " paramviewer dataset navbar"
)
# They contain nothing that can be shown elsewhere.
INVISIBLE_COMPONENTS = name_set(
    "timer state browserstate navbar dataset button clearbutton duplicatebutton loginbutton"
    " deeplinkbutton"
)
TEXT_COMPONENTS = name_set("textbox multimodaltextbox code")
MEDIA_COMPONENTS = name_set(
    "image audio video file uploadbutton imageeditor imageslider gallery model3d"
)
DATA_COMPONENTS = name_set("dataframe json api")
# A person's own content, rather than a setting of the page's form.
CONTENT_COMPONENTS = TEXT_COMPONENTS | MEDIA_COMPONENTS | DATA_COMPONENTS | {"chatbot"}
SETTING_COMPONENTS = name_set(
    "slider number checkbox checkboxgroup radio dropdown colorpicker datetime"
)
# Possible answers.
RESULT_COMPONENTS = (
    MEDIA_COMPONENTS
    | DATA_COMPONENTS
    | name_set(
        "textbox markdown html label highlightedtext plot annotatedimage code chatbot"
        " downloadbutton nativeplot lineplot barplot scatterplot number"
    )
)
