"""Small Gradio apps in the shapes that real ones have, and what they say of themselves."""
