"""The page's security headers, all in one place."""

from __future__ import annotations

from collections.abc import Mapping

# Gradio's frontend runs inline scripts and compiles `js_on_load`. Everything else comes from the
# page's own origin.
CONTENT_POLICY = {
    "default-src": "'self'",
    "script-src": "'self' 'unsafe-inline' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "media-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "object-src": "'none'",
    "frame-src": "'none'",
    "base-uri": "'self'",
    "form-action": "'self'",
}
HUGGING_FACE = "https://huggingface.co https://*.huggingface.co"
NO_STORE = {"Cache-Control": "no-store"}
# A Space's files are shown or downloaded, and run nothing.
FILE_POLICY = "default-src 'none'; media-src 'self'; frame-ancestors 'none'; sandbox"


def page_headers(*, hosted: bool) -> Mapping[str, str]:
    """The headers of every answer that does not set its own of the same name."""
    policy = CONTENT_POLICY | {"frame-ancestors": HUGGING_FACE if hosted else "'none'"}
    if hosted:
        policy["form-action"] += " https://huggingface.co"
    headers = {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    }
    # Browsers that know frame-ancestors ignore it; it has no way to name one site.
    return headers if hosted else headers | {"X-Frame-Options": "DENY"}


def file_headers(name: str, *, inline: bool) -> Mapping[str, str]:
    """The headers of a file that a Space made; `name` is percent-encoded."""
    return {
        "Content-Disposition": f"{'inline' if inline else 'attachment'}; filename*=utf-8''{name}",
        "Content-Security-Policy": FILE_POLICY,
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cache-Control": "private, max-age=3600",
        "Referrer-Policy": "no-referrer",
    }
