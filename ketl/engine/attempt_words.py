"""The words by which attempts are told apart in events and reports: why they were made, and how they ended. Pure."""

from __future__ import annotations

from ketl._figures import duration
from ketl.errors import (
    LimitReachedError,
    ModelGoneError,
    ProviderError,
    RunError,
    UnreachableError,
    UnusableReplyError,
)

DOWN = (ProviderError, UnreachableError, UnusableReplyError)
"""What comes where a provider does not work, whatever it was asked."""

# Any limit of a minute has room again within one, and most disturbances pass in less: a model that answered nothing
# for so long will not soon. Where nothing ever came there is less to wait for, and least where what comes is no API's.
_HOPELESS_S = 300.0
_HOPELESS_FROM_THE_START_S = 120.0
_NO_API_S = 20.0


def left_because(error: RunError, unanswered_s: float, *, answered: bool) -> str:
    """Return why a model that has not answered for so long is left, in words that follow its name; empty while it is
    worth another try.

    `error` is the last of what came instead, `answered` whether anything ever came.
    """
    patience_s = _HOPELESS_S
    if not answered and isinstance(error, DOWN):
        patience_s = _NO_API_S if isinstance(error, UnusableReplyError) else _HOPELESS_FROM_THE_START_S
    if unanswered_s < patience_s:
        return ""
    did = "failed at every request"
    if isinstance(error, LimitReachedError):
        did = "refused every request"
    elif isinstance(error, UnreachableError):
        did = "not been reachable"
    elif isinstance(error, UnusableReplyError):
        did = "sent nothing readable"
    return f"has {did} for {duration(unanswered_s)}"


def is_too_large(error: RunError) -> bool:
    """Whether a request was larger than its limit, so that waiting cannot help."""
    return isinstance(error, LimitReachedError) and error.too_large


def is_capacity(error: RunError) -> bool:
    """Whether the provider had no free capacity: a refusal that counts as a try."""
    return isinstance(error, LimitReachedError) and error.kind == "CAPACITY"


def internal(failure: Exception, model: str) -> RunError:
    """Return the error of a request that came upon a fault of ours."""
    return RunError(
        f"This text could not be translated because of an internal error ({type(failure).__name__}). "
        "Run it again; if it fails again, report it.",
        model=model,
    )


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
