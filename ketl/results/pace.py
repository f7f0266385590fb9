"""How fast a run gets on, from what has been seen of it: the time that is left. Pure."""

from __future__ import annotations

from collections import deque

_SAMPLE_S = 0.25
_SAMPLES = 480
# The rate is that of the last half of the run, 20 s at least: late enough to follow a server that slows down, long
# enough not to be tossed about by packs that end together.
_LEAST_SPAN_S = 20.0
_FEWEST = 8
_FIRST_WORD_S = 3.0


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
