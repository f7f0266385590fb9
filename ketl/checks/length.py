"""Checks of length: against what is usual for the language, and against what the place takes."""

from __future__ import annotations

from collections.abc import Iterable

from ketl.checks import _traits as traits
from ketl.checks.base import Severity, check
from ketl.checks.profiles import count_chars
from ketl.checks.subject import Subject


@check("max-length", Severity.ERROR, needs=traits.LIMITED)
def max_length(subject: Subject) -> Iterable[str]:
    """Longer than the place allows.

    Counted as the chosen profile counts: code points, UTF-16 units or what a reader sees as one character.
    False alarms: none known.
    """
    limit = subject.limits
    if limit.max_chars is None:
        return ()
    length = count_chars(subject.translation, limit.count)
    if length <= limit.max_chars:
        return ()
    return (f"The translation has {length} characters, the place takes {limit.max_chars}. Shorten it.",)


def most_chars(source: str, expansion: float) -> int:
    """Return the length above which no text can be a translation of `source`; `expansion` is the language's usual."""
    return 100 + round(6.0 * max(1.0, expansion) * len(source))


@check("runaway", Severity.ERROR)
def runaway(subject: Subject) -> Iterable[str]:
    """Far too long to be a translation.

    More than a hundred characters and six times the English text, as a model writes that does not come to an end.
    False alarms: none known.
    """
    most = most_chars(subject.source, subject.language.expansion)
    if len(subject.translation) <= most:
        return ()
    return (f"The answer runs on and on: more than {most} characters for {len(subject.source)} in English.",)


@check("length-ratio", Severity.WARNING)
def length_ratio(subject: Subject) -> Iterable[str]:
    """Unusually short or long.

    The length against the English text, outside a wide band around what is usual for the language; only
    from 20 characters on.
    False alarms: terse titles, idioms replaced by shorter ones.
    """
    length = len(subject.source)
    if length < 20:
        return ()
    usual = subject.language.expansion
    target = len(subject.translation.strip())
    if target < length * usual * 0.45 - 3:
        return (f"The translation is unusually short: {target} characters for {length} in English.",)
    # Demo texts in scripts that are usually shorter keep the length of the source, so 1.3 is always allowed.
    if target > length * max(1.3, usual * 1.9) + 20:
        return (f"The translation is unusually long: {target} characters for {length} in English.",)
    return ()
