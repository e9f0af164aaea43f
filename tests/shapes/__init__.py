"""Small Gradio apps shaped like real ones, and their recorded descriptions."""
