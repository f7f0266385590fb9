"""Maps the Groq SDK's errors to ours, with every fact that their bodies and headers hold."""

from __future__ import annotations

import datetime
import email.utils
import re

import groq
import httpx

from ketl._words import plain, redact
from ketl.errors import (
    ACCOUNT,
    BLOCKED,
    CEILING,
    AuthenticationError,
    KetlError,
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RefusedError,
    UnreachableError,
    UnusableReplyError,
)
from ketl.provider.limits import DAY_KINDS

_LOOKED_AT = 600  # characters of a provider's message that are looked at
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(ms|us|µs|ns|h|m|s|d)")
_UNIT_S = {"d": 86_400.0, "h": 3_600.0, "m": 60.0, "s": 1.0, "ms": 1e-3, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_KIND = re.compile(r"\((RPM|RPD|TPM|TPD|ITPM|OTPM|RPS|ITPD|OTPD)\)")
_NUMBER = r"\s*[:=]?\s*([\d][\d,]*(?:\.\d+)?)"
_LIMIT = re.compile(r"\bLimit" + _NUMBER, re.IGNORECASE)
_USED = re.compile(r"\bUsed" + _NUMBER, re.IGNORECASE)
_REQUESTED = re.compile(r"\bRequested" + _NUMBER, re.IGNORECASE)
_TRY_AGAIN = re.compile(r"try again in\s+((?:\d+(?:\.\d+)?\s*(?:ms|us|µs|ns|h|m|s|d)\s*)+)", re.IGNORECASE)
# Body fields that a model may come to refuse: the engine then goes on without them.
_UNWANTED = {
    "reasoning": ("reasoning_effort", "reasoning_format", "include_reasoning", "reasoning effort"),
    "response_format": ("response_format", "response format", "json_schema", "json schema", "json_object"),
}
_ACCOUNT_CODES = re.compile(
    r"^(organi[sz]ation|account|workspace|billing|payment|insufficient_(quota|balance|funds|credits?))|"
    r"_(restricted|suspended|deactivated)$|^(blocked_api_access|quota_exceeded|spend_limit\w*)$"
)
# A sentence that speaks of the account and of nothing in the request.
_ACCOUNT_WORDS = re.compile(
    r"\b(organi[sz]ation|account|workspace|project|subscription)\b.{0,60}?\b(restricted|suspended|disabled|deactivated|"
    r"blocked|closed|terminated|inactive|not active|on hold|past due|banned|expired)\b|"
    r"\b(insufficient|exceeded|depleted|out of|not enough)\b.{0,30}?\b(quota|balance|credits?|funds)\b|"
    r"\bpayment\b.{0,30}?\b(required|failed|overdue|method)\b|\bspend(ing)? limit\b",
    re.IGNORECASE | re.DOTALL,
)
_NO_CEILING = 1_000_000_000
_LONGEST_FIGURE = 12
_LEAST_CEILING = 64  # no model that writes texts stops below; a smaller figure is about something else
_CEILING_FIELDS = ("max_completion_tokens", "max_tokens")
# How a provider speaks of the ceiling of an answer, and a figure in a message with the words at either side of it.
_CEILING_WORDS = re.compile(
    r"max(?:imum)?[ _]?(?:(?:completion|new|output|generated)[ _]?)?tokens|max(?:imum)?[ _]?output|num_predict|"
    r"(?:completion|output) tokens",
    re.IGNORECASE,
)
_FIGURE = re.compile(r"([^\d]{0,40})(?<![\w.,-])(\d{1,3}(?:,\d{3})+|\d+)(?![\w,]*\d)([^\d,;.()]{0,30})")
# A figure beside such a word is the room for question and answer together, or what the question takes of it.
_OF_THE_PROMPT = re.compile(r"context|input|prompt|message|total", re.IGNORECASE)
_CONTEXT = re.compile(
    r"(?:maximum|exceed\w*|longer than|limit of)[^.]{0,60}\bcontext|context[ _](?:length|window|size)[^.]{0,60}exceed|"
    r"(?:prompt|input|messages?)\b[^.]{0,30}too (?:long|large)|reduce the length",
    re.IGNORECASE,
)
_TOO_MUCH = re.compile(
    r"too (?:large|high|big|many|long)|exceed|greater|larger|higher|above|less than|range|between", re.IGNORECASE
)
# A wait that a server names is believed up to this; a day's limit may take as long as its day.
_MAX_WAIT_S = 60.0
_MAX_DAY_WAIT_S = 86_400.0
# Figures above this are no limits.
_MOST = 1e12
# Of a message no more than this is looked at.
_MESSAGE_MOST = 2_000
_GONE_CODES = frozenset({"model_decommissioned", "model_not_found", "model_not_active", "model_terms_required"})


class BodyTooLargeError(httpx.DecodingError):
    """The body of an answer is larger than any that could be meant."""


def parse_duration(text: str) -> float | None:
    """Return the seconds in a duration such as `1m26.4s`, `585ms` or `7`, None when it is none."""
    parts = _DURATION.findall(text)
    try:
        seconds = sum(float(number) * _UNIT_S[unit] for number, unit in parts) if parts else float(text)
    except ValueError:
        return None
    return seconds if 0.0 <= seconds < float("inf") else None


def to_ketl_error(error: groq.APIError, model: str | None, ceiling: int = _NO_CEILING) -> KetlError:
    """Return our error for one of the SDK's, with every fact that its body and headers hold.

    `ceiling` is the most tokens that the answer was asked to take.
    """
    if isinstance(error.__cause__, BodyTooLargeError):
        return UnusableReplyError("The provider's answer was far too large to be a translation.", model=model)
    if isinstance(error.__cause__, httpx.DecodingError):
        return UnusableReplyError("The provider's answer was packed in a way that could not be read.", model=model)
    if isinstance(error, groq.APIConnectionError):
        return UnreachableError(
            "The provider could not be reached or the connection broke. Check the network and try again.",
            # The transport calls a connection that the other side closed a time-out, too; its cause knows better.
            timed_out=isinstance(error, groq.APITimeoutError) and _has_timeout(error),
            model=model,
        )
    if not isinstance(error, groq.APIStatusError):
        return UnusableReplyError("The provider's answer was unreadable.", model=model)
    status = error.status_code
    code, message = _error_words(error.body)
    wait_s = _wait(error.response.headers, message)
    if _is_account(status, code, message):
        return RefusedError(_account_words(code, message), code=ACCOUNT, model=model)
    if status == 401:
        return AuthenticationError(
            "The provider refused the API key. Check GROQ_API_KEY: it may be mistyped, revoked or expired."
        )
    if status in (413, 429) or code == "rate_limit_exceeded":
        return _limit_error(status, message, model, wait_s)
    if status == 498 or code == "capacity_exceeded":
        return LimitReachedError(
            "The provider has no free capacity right now.", kind="CAPACITY", model=model, wait_s=wait_s
        )
    if code in _GONE_CODES or code.startswith("model_permission") or (status == 404 and "model" in message.lower()):
        return ModelGoneError(f"The model {model} is not available: {_short(message)}", model=model)
    if status >= 500:
        return ProviderError(
            f"The provider failed (status {status}). This usually passes.", status=status, model=model, wait_s=wait_s
        )
    if status in (408, 409):
        return ProviderError(f"The provider was busy (status {status}).", status=status, model=model, wait_s=wait_s)
    if status == 403:
        return RefusedError(
            "A proxy, a firewall or the provider blocks the requests (status 403). Ask who runs the network, or check "
            "what the key may do.",
            code=BLOCKED,
            model=model,
        )
    too_long = _ceiling_refused(error.body, message, model, ceiling)
    if too_long is None and (code == "context_length_exceeded" or _CONTEXT.search(message[:_LOOKED_AT])):
        return LimitReachedError(f"The request is larger than {model} takes at once.", too_large=True, model=model)
    return too_long or _refused(status, code, message, model)


def _refused(status: int, code: str, message: str, model: str | None) -> RefusedError:
    """Return the error for a request that the provider would not take as it is."""
    if 300 <= status < 400:
        return RefusedError(
            f"The provider's address sends requests elsewhere (status {status}). Check GROQ_BASE_URL.", model=model
        )
    said = f"{code} {message}".lower()
    unwanted = next((name for name, words in _UNWANTED.items() if any(word in said for word in words)), None)
    return RefusedError(
        f"The provider would not take the request (status {status}): {_short(message)}",
        code=unwanted or code or None,
        model=model,
    )


def _is_account(status: int, code: str, message: str) -> bool:
    """Whether the provider refuses the account and not this request.

    Limits of a minute or a day name the organization and the billing page, too, so of those only the code counts.
    """
    if code.startswith("model_"):
        return False
    if status == 402 or (400 <= status < 500 and _ACCOUNT_CODES.search(code)):
        return True
    spoken = status in (400, 401, 403) and "model" not in message.lower()
    return spoken and _ACCOUNT_WORDS.search(message[:_LOOKED_AT]) is not None


def _account_words(code: str, message: str) -> str:
    if code == "blocked_api_access":
        return "The provider's spend limit for this account is reached. Raise it in the provider's console."
    said = _short(message).rstrip(".") or code.replace("_", " ") or "it gives no reason"
    return f"The provider refuses this account: {said}. See to it in the provider's console, then run the rest again."


def _ceiling_refused(body: object, message: str, model: str | None, ceiling: int) -> RefusedError | None:
    """Return the error for an answer that was asked to be too long, None when a refusal is about something else.

    Where the provider tells no figure of its own, half of ours is the next to try.
    """
    inner = body.get("error") if isinstance(body, dict) else None
    param = inner.get("param") if isinstance(inner, dict) else None
    said = message[:_LOOKED_AT]
    if _CEILING_WORDS.search(said) is None and param not in _CEILING_FIELDS:
        return None
    most = _own_maximum(said, ceiling)
    if most is not None:
        words = f"at most {most:,} tokens at once, fewer than a text needs"
    elif ceiling < _NO_CEILING and _TOO_MUCH.search(said) and not _OF_THE_PROMPT.search(said):
        words, most = "fewer tokens at once than a text needs", max(_LEAST_CEILING, ceiling // 2)
    else:
        return None
    return RefusedError(f"{model} writes {words}. Shorten the text.", code=CEILING, model=model, most_tokens=most)


def _own_maximum(said: str, ceiling: int) -> int | None:
    """Return the provider's own ceiling for an answer's tokens, below ours; None where it tells none.

    Providers say it in many ways, but whatever else their sentence tells (what was asked for, the room for question
    and answer together), the figure is one below ours.
    """
    figures = [
        int(figure.replace(",", ""))
        for before, figure, after in _FIGURE.findall(said)
        if len(figure) < _LONGEST_FIGURE and not _OF_THE_PROMPT.search(before + after)
    ]
    return max((figure for figure in figures if _LEAST_CEILING <= figure < ceiling), default=None)


def _has_timeout(error: BaseException | None) -> bool:
    while error is not None:
        if isinstance(error, TimeoutError):
            return True
        error = error.__cause__
    return False


def _limit_error(status: int, message: str, model: str | None, wait_s: float | None) -> LimitReachedError:
    kind = _KIND.search(message)
    too_large = status == 413 or "request too large" in message.lower()
    limit, used, requested = _figure(_LIMIT, message), _figure(_USED, message), _figure(_REQUESTED, message)
    if too_large:
        said = f"The request is larger than {model} takes at once"
        said += f" ({requested:,.0f} tokens of {limit:,.0f})." if limit and requested else "."
    else:
        said = f"A rate limit of {model} is reached"
        said += f" ({kind[1]}, {limit:,.0f})." if kind and limit else "."
    return LimitReachedError(
        said,
        kind=kind[1] if kind else None,
        limit=limit,
        used=used,
        requested=requested,
        too_large=too_large,
        model=model,
        wait_s=None if too_large else wait_s,
    )


def _error_words(body: object) -> tuple[str, str]:
    """Return the code and message in an error body, empty strings where it has none.

    Gateways write them under `error`, at the top, in a list, as `detail`, or hand on what they were told as text.
    """
    if isinstance(body, list):
        body = body[0] if body else None
    inner = body.get("error") if isinstance(body, dict) else body
    told = inner if isinstance(inner, dict) else body if isinstance(body, dict) else {}
    raw = told["metadata"].get("raw") if isinstance(told.get("metadata"), dict) else None
    said = [told.get("message"), told.get("detail"), inner, raw]
    message = " ".join(text for text in said if isinstance(text, str))
    code = told.get("code")
    return (str(code)[:200] if isinstance(code, (str, int)) else ""), message[:_MESSAGE_MOST]


def _wait(headers: httpx.Headers, message: str) -> float | None:
    """Return the seconds to wait: the exact figure in the text before the header's whole seconds or date.

    Believed up to a minute, or a day where the limit is a day's.
    """
    said = _TRY_AGAIN.search(message)
    header = headers.get("retry-after", "")[:100]
    if said:
        wait_s = parse_duration(said[1])
    else:
        wait_s = _until(header) if ":" in header else parse_duration(header)
    if wait_s is None:
        return None
    kind = _KIND.search(message)
    return min(wait_s, _MAX_DAY_WAIT_S if kind and kind[1] in DAY_KINDS else _MAX_WAIT_S)


def _until(header: str) -> float | None:
    """Return the seconds until the HTTP date in a header, None when it holds none (RFC 9110, 10.2.3)."""
    try:
        date = email.utils.parsedate_to_datetime(header)
        if date.tzinfo is None:
            date = date.replace(tzinfo=datetime.UTC)
        return max(0.0, (date - datetime.datetime.now(tz=datetime.UTC)).total_seconds())
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _figure(pattern: re.Pattern[str], message: str) -> float | None:
    found = pattern.search(message)
    figure = float(found[1].replace(",", "")) if found else 0.0
    return figure if 0.0 < figure < _MOST else None


def _short(message: str) -> str:
    text = redact(plain(message))
    if not text:
        return "it gave no reason."
    if len(text) > 200:
        return text[:199] + "…"
    return text if text[-1] in ".!?…" else text + "."
