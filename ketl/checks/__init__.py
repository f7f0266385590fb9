"""Checks of translations: what can be known without reading the language, as findings in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import lru_cache

from ketl.checks import (
    cutoff,
    formality,
    identity,
    length,
    markup,
    measures,
    numbers,
    punctuation,
    reply,
    scripts,
    untranslated,
    whitespace,
)
from ketl.checks.autofix import autofix, tidy
from ketl.checks.base import REGISTRY, Finding, Severity, has_error
from ketl.checks.consistency import LABELS as _CROSS_LABELS
from ketl.checks.consistency import Cell, check_product_options, check_run, find_outlier
from ketl.checks.profiles import PROFILES, Limit, find_limit
from ketl.checks.subject import Subject

__all__ = [
    "LABELS",
    "PROFILES",
    "REGISTRY",
    "Cell",
    "Finding",
    "Limit",
    "Severity",
    "Subject",
    "autofix",
    "check_product_options",
    "check_run",
    "find_limit",
    "find_outlier",
    "has_error",
    "run_checks",
    "tidy",
]

# Every finding id with its label for the screen.
LABELS: dict[str, str] = {ident: check.label for ident, check in REGISTRY.items()} | dict(_CROSS_LABELS)

# Whatever else is wrong with a text, these are looked at, and first.
_SAFETY = ("unsafe-markup", "runaway")
# Then whether the reply is a translation at all, then facts, then language, then form.
_THEMES = (
    reply, untranslated, whitespace, markup, identity, scripts, cutoff, numbers, measures, length, formality,
    punctuation,
)  # fmt: skip
# After one of these nothing else is worth saying: there is no translation to judge.
_FINAL = frozenset({"runaway", "empty", "error-text", "refusal", "chatter", "untranslated", "truncated", "script"})
_ORDER = tuple(
    sorted(
        (check for theme in _THEMES for check in REGISTRY.values() if check.run.__module__ == theme.__name__),
        key=lambda check: _SAFETY.index(check.id) if check.id in _SAFETY else len(_SAFETY),
    )
)


@lru_cache(maxsize=1024)
def _due(found: int) -> tuple[tuple[str, Severity, Callable[[Subject], Iterable[str]], bool], ...]:
    """Return the checks that have something to look at in a subject with these traits."""
    return tuple(
        (check.id, check.severity, check.run, check.id in _FINAL)
        for check in _ORDER
        if not check.needs or check.needs & found
    )


def run_checks(subject: Subject) -> tuple[Finding, ...]:
    """Return the findings of every check on one translation, in a fixed order.

    A reply that is no translation (blank, refusal, error text, talk, English, another script) silences the
    checks after it, but never those of safety, which come first.
    """
    findings: list[Finding] = []
    for ident, severity, run, final in _due(subject.traits):
        messages = run(subject)
        if messages:
            findings += [Finding(ident, severity, message) for message in messages]
            if final:
                break
    return tuple(findings)
