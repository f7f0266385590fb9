"""The words by which attempts are told apart in events and reports: why they were made, and how they ended."""

from __future__ import annotations

from ketl.errors import (
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)


def is_capacity(error: RunError) -> bool:
    """Whether the provider had no free capacity: a refusal that counts as a try."""
    return isinstance(error, LimitReachedError) and error.kind == "CAPACITY"


def kind_of(rung: int, tries: int, refusals: int) -> str:
    """Return why an attempt is made, by its request's rung, tries and refusals: first, retry or repair."""
    if rung:
        return "repair"
    return "retry" if tries or refusals else "first"


def status_of(error: RunError) -> str:
    """Return how an attempt ended by its error: the HTTP status, or a word where there was none."""
    match error:
        case LimitReachedError():
            return "498" if error.kind == "CAPACITY" else "413" if error.too_large else "429"
        case ProviderError():
            return str(error.status)
        case UnreachableError():
            return "timeout" if error.timed_out else "reset"
        case ModelGoneError():
            return "gone"
        case UnusableReplyError():
            return "unusable"
        case _:
            return "refused"
