"""Requests as the product sends them."""

from __future__ import annotations

import json
from typing import Any

WESTERN = "llama-3.3-70b-versatile"


def request(
    segments: dict[str, str], *, tag: str = "es", model: str = WESTERN, placeables: Any = None, **more: Any
) -> dict[str, Any]:
    """Return the body of a chat completion for `segments` in the language of `tag`."""
    asked: dict[str, Any] = {"target_language": tag, "target_tag": tag, "segments": segments}
    if placeables is not None:
        asked["placeables"] = placeables
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": "Translate the segments. Answer with one JSON object."},
            {"role": "user", "content": json.dumps(asked, ensure_ascii=False)},
        ],
        "max_completion_tokens": 400,
        **more,
    }
