"""Reads what the provider sends back: replies with their usage, and the rate limits that headers tell."""

from __future__ import annotations

import json
import re
from typing import Any

import groq
import orjson

from ketl.errors import UnusableReplyError
from ketl.provider.protocol import NO_LIMIT_FACTS, LimitFacts, Reply

_MOST_TOKENS = 10_000_000  # no model's context is near; a larger figure is no count
_OUT_OF_ROOM = re.compile(r"max(?:imum)?[ _](?:completion[ _])?tokens|token limit", re.IGNORECASE)
_SENTENCE = 600  # characters of a provider's message that are looked at
_FIGURE = 20  # characters of a figure that came as a text
_EVENT = re.compile(r"\s*(?:data|event|id|retry)?:")  # how the first line of a stream of events begins
_LINE = re.compile(r"\r\n|\r|\n")
_DECODER = json.JSONDecoder(strict=False)
_MOST = 1e12  # figures above this are no limits
# Bodies up to this are read a second time by a reader that takes more: it is slower, and the loop waits for it.
_SECOND_TRY_BYTES = 500_000


def read_reply(body: bytes, headers: list[tuple[bytes, bytes]], model: str) -> Reply:
    """Return the reply in a 200's body and headers, without content where it was billed and holds none.

    Raises UnusableReplyError when it tells neither a text, nor a usage, nor that there was no room for a text.
    """
    data = _read(body)
    choices = _part(data, "choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    content = _part(_part(choice, "message"), "content")
    if isinstance(content, list):  # in parts, as other providers write it
        content = "".join(text for part in content if isinstance(text := _part(part, "text"), str))
    content = content if isinstance(content, str) and content.strip() else ""
    finish_reason = str(_part(choice, "finish_reason") or "stop")
    usage = _part(data, "usage")
    if not content and not isinstance(usage, dict) and finish_reason != "length":
        raise UnusableReplyError("The provider's answer was cut off or unreadable.", model=model)
    return _reply(content, finish_reason, usage, headers)


def _read(body: bytes) -> Any:
    """Return the JSON of a body, None for what is none.

    What was billed is worth a second look: gateways write NaN, which JSON does not have, other encodings, something
    before or after it, or the events of a stream that nobody asked for.
    """
    try:
        return orjson.loads(body)
    except ValueError:
        if len(body) > _SECOND_TRY_BYTES:
            return None
    try:
        text = body.decode(json.detect_encoding(body))
        if _EVENT.match(text):
            return _from_stream(text)
        return _DECODER.raw_decode(text, text.index("{"))[0]
    except (ValueError, RecursionError):
        return None


def _from_stream(text: str) -> dict[str, Any] | None:
    """Return the answer whose pieces are the events of a stream (WHATWG, HTML, 9.2), None where one cannot be read."""
    pieces: list[str] = []
    finish_reason = usage = None
    lines = [line[5:] for line in _LINE.split(text) if line.startswith("data:")]
    for number, line in enumerate(lines, start=1):
        if line.strip() in ("", "[DONE]"):
            continue
        try:
            event = _DECODER.decode(line.strip())
        except ValueError:
            if number < len(lines):
                raise  # a piece is missing in the middle
            finish_reason = "length"
            break
        choices = _part(event, "choices")
        choice = choices[0] if isinstance(choices, list) and choices else None
        piece = _part(_part(choice, "delta") or _part(choice, "message"), "content")
        if isinstance(piece, str):
            pieces.append(piece)
        finish_reason = _part(choice, "finish_reason") or finish_reason
        usage = _part(event, "usage") or _part(_part(event, "x_groq"), "usage") or usage
    message = {"content": "".join(pieces)}
    return {"choices": [{"message": message, "finish_reason": finish_reason}], "usage": usage}


def read_failed_generation(error: groq.APIError) -> Reply | None:
    """Return what the model wrote that the provider could not read as JSON; None for any other error.

    The provider's sentence tells a lack of room in the message or in place of the text; no text at all is the
    same lack, spent on hidden reasoning.
    """
    if not isinstance(error, groq.APIStatusError) or error.status_code != 400:
        return None
    told = _part(error.body, "error")
    if _part(told, "code") != "json_validate_failed":
        return None
    begun = _part(told, "failed_generation")
    begun = begun if isinstance(begun, str) else ""
    short = not begun.strip() or _OUT_OF_ROOM.search(f"{_part(told, 'message')} {begun}"[:_SENTENCE]) is not None
    usage = _part(told, "usage") or _part(error.body, "usage")
    return _reply(begun, "length" if short else "stop", usage, error.response.headers.raw, status=400)


def _reply(
    content: str, finish_reason: str, usage: object, headers: list[tuple[bytes, bytes]], *, status: int = 200
) -> Reply:
    told = usage if isinstance(usage, dict) else {}
    prompt, completion = whole_number(told.get("prompt_tokens")), whole_number(told.get("completion_tokens"))
    total = whole_number(told.get("total_tokens"))
    if prompt is not None and completion is not None and total is not None:
        completion = max(completion, total - prompt)  # some count what was thought in the total alone
    cached = whole_number(_part(told.get("prompt_tokens_details"), "cached_tokens")) or 0
    return Reply(
        content=content,
        finish_reason=finish_reason,
        prompt_tokens=prompt,
        completion_tokens=completion,
        cached_tokens=min(cached, prompt or 0),
        reasoning_tokens=whole_number(_part(told.get("completion_tokens_details"), "reasoning_tokens")),
        status=status,
        service_s=_seconds(told.get("total_time")),
        queue_s=_seconds(told.get("queue_time")) or 0.0,
        limits=read_limits(headers),
    )


def _part(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def read_limits(headers: list[tuple[bytes, bytes]]) -> LimitFacts:
    """Return what the rate-limit headers say."""
    found: dict[bytes, float] = {}
    for name, value in headers:
        if name[:12].lower() == b"x-ratelimit-":
            try:
                figure = float(value)
            except ValueError:
                continue  # the reset headers are durations; the bucket arithmetic does not need them
            kind = name[12:].lower()
            # Gateways send nonsense: a limit that is no positive figure says nothing.
            if 0.0 <= figure < _MOST and (figure > 0.0 or not kind.startswith(b"limit")):
                found[kind] = figure
    if not found:
        return NO_LIMIT_FACTS
    return LimitFacts(
        limit_requests=found.get(b"limit-requests"),
        remaining_requests=found.get(b"remaining-requests"),
        limit_tokens=found.get(b"limit-tokens"),
        remaining_tokens=found.get(b"remaining-tokens"),
    )


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0.0 <= value < 3_600.0 else None


def whole_number(value: Any) -> int | None:
    """Return a count; figures that cannot be one (negative, endless, of another kind) say nothing."""
    if isinstance(value, str):
        try:
            value = float(value[:_FIGURE])
        except ValueError:
            return None
    known = isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _MOST_TOKENS
    return int(value) if known else None
