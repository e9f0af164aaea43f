"""The page's cookies: no script reads them, and only the page's own requests carry them."""

from __future__ import annotations

from fastapi import Request, Response


def set_cookie(
    request: Request, response: Response, name: str, value: str, seconds: int, *, hosted: bool
) -> None:
    """Set a cookie for so many seconds; 0 removes it.

    `hosted` says that the page is shown in a frame of huggingface.co, where it is a third party:
    there it only receives partitioned cookies, and only over https.
    """
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        secure=hosted or _is_https(request),
        samesite="none" if hosted else "strict",
    )
    if hosted:
        # Starlette supports this attribute only from Python 3.14 on.
        key, line = response.raw_headers[-1]
        response.raw_headers[-1] = key, line + b"; Partitioned"


def _is_https(request: Request) -> bool:
    return "https" in (request.url.scheme, request.headers.get("x-forwarded-proto", ""))
