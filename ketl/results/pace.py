"""How fast a run gets on, from what has been seen of it: the time that is left, in seconds and in words. Pure."""

from __future__ import annotations

from collections import deque

from ketl._figures import duration

_SAMPLE_S = 0.25
_SAMPLES = 480
# The rate is that of the last half of the run, 20 s at least: late enough to follow a server that slows down, long
# enough not to be tossed about by packs that end together.
_LEAST_SPAN_S = 20.0
_FEWEST = 8
_FIRST_WORD_S = 3.0
_LIMITS = {
    "RPM": "requests a minute",
    "RPD": "requests a day",
    "TPM": "tokens a minute",
    "TPD": "tokens a day",
    "OTPM": "written tokens a minute",
    "ITPM": "read tokens a minute",
    "CAPACITY": "capacity",
}


class Pace:
    """Takes in when texts ended that had to be asked for; times are seconds of any steady clock."""

    def __init__(self) -> None:
        self._ended = 0
        self._samples: deque[tuple[float, int]] = deque(maxlen=_SAMPLES)

    def begin(self, at_s: float) -> None:
        """Take in that the first request goes out."""
        if not self._samples:
            self._samples.append((at_s, 0))

    def ended(self, at_s: float) -> None:
        """Take in that one text ended."""
        self.begin(at_s)
        self._ended += 1
        if at_s - self._samples[-1][0] >= _SAMPLE_S:
            self._samples.append((at_s, self._ended))

    def left_s(self, left: int, now_s: float) -> float | None:
        """Return the seconds in which `left` more texts will end at the present rate, None while that is unknown."""
        if self._ended < _FEWEST:
            return None
        began = self._samples[0][0]
        if now_s - began < _FIRST_WORD_S:
            return None
        since = now_s - max(_LEAST_SPAN_S, (now_s - began) / 2)
        # Of the samples in that time the first; were none taken, nothing has ended in it, and the whole run counts.
        recent = ((at_s, before) for at_s, before in self._samples if at_s >= since and before < self._ended)
        at_s, before = next(recent, self._samples[0])
        return left * (now_s - at_s) / (self._ended - before)


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


def held_in_words(reason: str, patience_s: float) -> str:
    """Return what it means that the database does not take what is done; no `reason` says that it does so again."""
    if not reason:
        return "The database takes what is done again."
    return (
        f"{reason} Nothing more is sent until it works again, for {duration(patience_s)} at most; what is done goes "
        "into the result all the same."
    )
