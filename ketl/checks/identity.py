"""Checks of what must stay letter for letter: codes, addresses, protected terms; and of the glossary."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from functools import lru_cache

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks.base import Severity, check
from ketl.checks.markup import differences
from ketl.checks.subject import GlossaryTerm, Subject

_LOOSE = re.compile(r"[\s\u00a0\u202f.\u2011\-]")


@check("codes", Severity.ERROR, needs=traits.CODES)
def codes(subject: Subject) -> Iterable[str]:
    """Code changed.

    Tokens that mix capitals and digits (4XL, 600D, V.2) and names of standards (UPF, YKK) reappear as they
    are; only dots, hyphens and spaces inside may differ.
    False alarms: sizes that a shop converts for its country.
    """
    text = subject.seen.folded
    missing = [code for code in subject.facts.codes if code not in text]
    if not missing:
        return ()
    packed = _LOOSE.sub("", text)
    gone = Counter(code for code in missing if _LOOSE.sub("", code) not in packed)
    return differences(gone, Counter(), "code") if gone else ()


@check("urls", Severity.ERROR, needs=traits.ADDRESSES)
def urls(subject: Subject) -> Iterable[str]:
    """Web or e-mail address changed.

    Addresses reappear exactly and as often as in the source.
    False alarms: shops that swap a locale path in links.
    """
    facts, text = subject.facts, subject.translation
    messages: list[str] = []
    if facts.urls or "://" in text or "www." in text:
        found = Counter(url.rstrip(".,;:!?") for url in pat.URL.findall(text))
        if found != facts.urls:
            messages += differences(facts.urls, found, "address")
    if facts.emails or "@" in text:
        found = Counter(pat.EMAIL.findall(text))
        if found != facts.emails:
            messages += differences(facts.emails, found, "e-mail address")
    return messages


@check("do-not-translate", Severity.ERROR, needs=traits.TERMS)
def do_not_translate(subject: Subject) -> Iterable[str]:
    """Protected name changed or gone.

    Brand and product-line names stand in the translation as they are, as often as in the source; in prose
    once is enough. An ending after the name is allowed.
    False alarms: a language that changes the name's own stem.
    """
    messages: list[str] = []
    for term in subject.terms:
        if not term.do_not_translate:
            continue
        name = term.term
        if term.case_sensitive:
            expected, found = subject.source.count(name), subject.translation.count(name)
        else:
            name = name.casefold()
            expected, found = subject.source.casefold().count(name), subject.seen.lowered.count(name)
        if found >= expected or (found and subject.kind == "prose"):
            continue
        if not found and _stem_found(name, subject):
            continue
        messages.append(
            f"The name “{term.term}” must stay as it is."
            if not found
            else f"The name “{term.term}” stands {found} times, in English {expected} times."
        )
    return messages


def _stem_found(name: str, subject: Subject) -> bool:
    """Allow an inflected name: at least 5 letters and 80 % of it at the beginning of a word."""
    size = max(5, -(-len(name) * 4 // 5))
    if len(name) <= 5 or subject.language.tag.partition("-")[0] not in _INFLECTING:
        return False
    return re.search(rf"(?<![^\W_]){re.escape(name[:size])}\w*", subject.translation) is not None


_INFLECTING = frozenset({
    "fi", "hu", "et", "pl", "cs", "sk", "sl", "hr", "lt", "lv", "is", "tr", "ru", "uk", "bg", "sr",
})  # fmt: skip


@lru_cache(maxsize=16384)
def rendering_stems(rendering: str) -> tuple[str, ...]:
    """Return the casefolded stems whose presence counts as the rendering: 70 % of each word, 4 letters at least."""
    return tuple(
        word[: max(4, -(-len(word) * 7 // 10))] if len(word) > 4 else word
        for word in pat.WORD.findall(rendering.casefold())
    ) or (rendering.casefold(),)


@lru_cache(maxsize=16384)
def _folded(rendering: str) -> tuple[str, tuple[str, ...]]:
    return rendering.casefold(), rendering_stems(rendering)


def renders(term: GlossaryTerm, lowered: str) -> bool:
    """Tell whether one of the term's renderings, possibly inflected, stands in the casefolded text."""
    for rendering in term.renderings:
        whole, stems = _folded(rendering)
        if whole in lowered or all(map(lowered.__contains__, stems)):
            return True
    return False


@check("glossary", Severity.WARNING, needs=traits.TERMS)
def glossary(subject: Subject) -> Iterable[str]:
    """Glossary term not used.

    A term of the source has none of its renderings in the translation; inflected forms count. Only in text
    that is plainly of its language.
    False alarms: a joke or idiom that does without the term, compounds that the glossary does not list.
    """
    terms = [term for term in subject.terms if term.renderings and not term.do_not_translate]
    if not terms:
        return ()
    lowered = subject.seen.lowered
    missing = [term for term in terms if not renders(term, lowered)]
    if not missing or not subject.seen.recognised or (len(missing) == len(terms) and subject.kind == "prose"):
        return ()
    return [
        f"The glossary says “{term.renderings[0]}” for “{term.term}”; the translation has another word."
        for term in missing
    ]


@check("forbidden-terms", Severity.ERROR, needs=traits.TERMS)
def forbidden_terms(subject: Subject) -> Iterable[str]:
    """Forbidden word used.

    A rendering that the glossary forbids for a term of the source.
    False alarms: a word that is right for another term of the same text is let pass.
    """
    messages: list[str] = []
    for term in subject.terms:
        for word in term.forbidden:
            if not word or not _stands(word.casefold(), subject.seen.lowered):
                continue
            if any(
                word.casefold() in r.casefold()
                for other in subject.terms
                if other is not term
                for r in other.renderings
            ):
                continue
            messages.append(f"“{word}” must not be used for “{term.term}”.")
    return messages


def _stands(word: str, lowered: str) -> bool:
    """Tell whether a word begins with `word`; scripts without spaces have no word beginnings."""
    if word not in lowered:
        return False
    return word[0] > "\u2e80" or re.search(rf"(?<![^\W\d_]){re.escape(word)}", lowered) is not None
