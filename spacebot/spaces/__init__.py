"""The Gradio side: a client for Spaces, their descriptions, inputs and outputs."""
