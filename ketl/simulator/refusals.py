"""The provider's refusals, worded as it words them: status, headers and body of each."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from ketl.simulator.limits import Shortage, duration

# Looks like an organization id and belongs to nobody.
_ORGANIZATION = "org_01demo0000localserver0000000"
_UPGRADE = "Need more tokens? Upgrade to Dev Tier today at https://console.groq.com/settings/billing"
_WORDS = {
    "RPM": "requests per minute", "RPD": "requests per day", "TPM": "tokens per minute", "TPD": "tokens per day",
    "OTPM": "output tokens per minute",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is an error: HTTP status, error object, and further headers."""

    status: int
    error: dict[str, object]
    headers: tuple[tuple[bytes, bytes], ...] = field(default=(), kw_only=True)


def _refusal(status: int, message: str, kind: str, code: str | None = None, **more: object) -> Refusal:
    error: dict[str, object] = {"message": message, "type": kind}
    if code is not None:
        error["code"] = code
    return Refusal(status, error | more)


def invalid(message: str, *, code: str | None = None, param: str | None = None) -> Refusal:
    """Return a 400 for a value that the provider does not take."""
    more = {} if param is None else {"param": param}
    return _refusal(400, message, "invalid_request_error", code, **more)


def invalid_key() -> Refusal:
    """Return the 401 for a missing or unknown key."""
    return _refusal(401, "Invalid API Key", "invalid_request_error", "invalid_api_key")


def unknown_model(model: str) -> Refusal:
    """Return the 404 for a model that does not exist or is not open to this key."""
    message = f"The model `{model}` does not exist or you do not have access to it."
    return _refusal(404, message, "invalid_request_error", "model_not_found")


def decommissioned(model: str) -> Refusal:
    """Return the 400 for a model that the provider remembers having retired."""
    message = (
        f"The model `{model}` has been decommissioned and is no longer supported. Please refer to "
        "https://console.groq.com/docs/deprecations for a recommendation on which model to use instead."
    )
    return _refusal(400, message, "invalid_request_error", "model_decommissioned")


def unknown_url(method: str, path: str) -> Refusal:
    """Return the 404 for a path that is not part of the API."""
    return _refusal(404, f"Unknown request URL: {method} {path}.", "invalid_request_error", "unknown_url")


def not_found(what: str, ident: str) -> Refusal:
    """Return the 404 for a file or batch that is not there."""
    return _refusal(404, f"No such {what}: {ident}", "invalid_request_error", "not_found")


def limited(model: str, short: Shortage) -> Refusal:
    """Return the 429 for a bucket that is short, or the 413 or 429 for a request that can never fit."""
    kind = "requests" if short.kind in ("RPM", "RPD") else "tokens"
    where = (
        f"for model `{model}` in organization `{_ORGANIZATION}` service tier `on_demand` "
        f"on {_WORDS[short.kind]} ({short.kind})"
    )
    requested = math.ceil(short.requested)
    if short.wait_s is None:
        advice = "reduce your max_tokens" if short.kind == "OTPM" else "reduce your message size"
        message = (
            f"Request too large {where}: Limit {short.limit:.0f}, Requested {requested}, "
            f"please {advice} and try again. {_UPGRADE}"
        )
        return _refusal(429 if short.kind == "OTPM" else 413, message, kind, "rate_limit_exceeded")
    message = (
        f"Rate limit reached {where}: Limit {short.limit:.0f}, Used {math.floor(short.used + 1e-6)}, "
        f"Requested {requested}. Please try again in {duration(max(short.wait_s, 0.001))}. {_UPGRADE}"
    )
    refusal = _refusal(429, message, kind, "rate_limit_exceeded")
    wait = (b"retry-after", b"%d" % max(1, math.ceil(short.wait_s)))
    return Refusal(refusal.status, refusal.error, headers=(wait,))


def json_not_valid(begun: str, *, out_of_tokens: bool) -> Refusal:
    """Return the 400 for JSON that the model did not bring to its end; `begun` is what it had written."""
    message = (
        "Failed to generate JSON: max completion tokens reached before generating a valid document. "
        "Please adjust your prompt. See 'failed_generation' for more details."
        if out_of_tokens
        else "Failed to validate JSON. Please adjust your prompt. See 'failed_generation' for more details."
    )
    return _refusal(400, message, "invalid_request_error", "json_validate_failed", failed_generation=begun)


def server_failure(status: int, model: str) -> Refusal:
    """Return the 500, 503 or 498 of a service that fails or is full."""
    if status == 498:
        message = "Flex tier capacity exceeded. Please try again later or use another service tier."
        return _refusal(498, message, "capacity_exceeded", "capacity_exceeded")
    if status == 503:
        message = (
            f"{model} is currently over capacity. Please try again and back off exponentially. "
            "Visit https://groqstatus.com to see if there is an active incident."
        )
        return _refusal(503, message, "internal_server_error")
    return _refusal(500, "Internal Server Error", "internal_server_error")
