"""How long a run still takes and what it waits for, in the words of standard error, page and report. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from ketl._figures import duration

_LIMITS = {
    "RPM": "requests a minute",
    "RPD": "requests a day",
    "TPM": "tokens a minute",
    "TPD": "tokens a day",
    "OTPM": "written tokens a minute",
    "ITPM": "read tokens a minute",
    "CAPACITY": "capacity",
}


def left_in_words(seconds: float) -> str:
    """Return how long it will still take: “a few seconds left”, “about 40 s left”, “about 3 min left”."""
    if seconds < 8.0:
        return "a few seconds left"
    if seconds < 55.0:
        return f"about {5 * round(seconds / 5)} s left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"about {minutes} min left"
    hours, minutes = divmod(5 * round(minutes / 5), 60)
    return f"about {hours} h {minutes} min left" if minutes else f"about {hours} h left"


def at_once_in_words(number: int) -> str:
    """Return what it means that a server works on so many requests at a time; from outside that is an estimate."""
    what = "one request" if number == 1 else f"about {number} requests"
    return f"The server works on {what} at a time; the others wait their turn."


def wait_in_words(model: str, kind: str, seconds: float) -> str:
    """Return for what a model waits, and how long; `kind` is a limit's name, or one of none that the provider told."""
    limit = f"its {_LIMITS[kind]}" if kind in _LIMITS else "a limit that the provider does not name"
    return f"{model} waits {duration(seconds)} for {limit}"


def spent_in_words(model: str, kind: str, seconds: float) -> str:
    """Return that a model's limit is spent for so long that others go on in its place; `kind` is the limit's name."""
    return f"the model {model} has reached its limit of {_LIMITS.get(kind, kind)}; it takes more in {duration(seconds)}"


def closed_in_words(models: Sequence[str], reason: str, seconds: float) -> str:
    """Return that these models are left alone for a while, and why."""
    names = " and ".join(filter(None, (", ".join(models[:-1]), models[-1])))
    return f"{names} {reason}; {'it is' if len(models) == 1 else 'they are'} asked again in {duration(seconds)}"


def held_in_words(reason: str, patience_s: float) -> str:
    """Return what it means that the database does not take what is done; no `reason` says that it does so again."""
    if not reason:
        return "The database takes what is done again."
    return (
        f"{reason} Nothing more is sent until it works again, for {duration(patience_s)} at most; what is done goes "
        "into the result all the same."
    )
