"""Checks of markup: placeholders, tags, unsafe markup and entities."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Iterable

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject, read_placeholders, read_tags


def differences(wanted: Counter[str], found: Counter[str], noun: str) -> list[str]:
    """Return a sentence for what is missing of `wanted` and one for what is too much in `found`."""
    missing, extra = wanted - found, found - wanted
    messages = []
    if missing and extra:
        messages.append(f"The {noun} {_listed(missing)} became {_listed(extra)}.")
    elif missing:
        messages.append(f"The {noun} {_listed(missing)} is missing.")
    elif extra:
        messages.append(f"The {noun} {_listed(extra)} is not in the English text.")
    return messages


def _listed(items: Counter[str]) -> str:
    return ", ".join(f"“{item}”" for item in items.elements())


@check("placeholders", Severity.ERROR, needs=traits.MARKUP)
def placeholders(subject: Subject) -> Iterable[str]:
    """Placeholder lost or changed.

    {name}, {{x}}, %s, %1$s, %(x)s, ${x}, {% %}, [[x]] and merge tags must reappear as often as in the
    source, in any order.
    False alarms: none known; a percentage such as “50 % off” is no placeholder.
    """
    wanted = subject.facts.placeholders
    found = read_placeholders(subject.translation)
    return differences(wanted, found, "placeholder") if wanted != found else ()


@check("tags", Severity.ERROR, needs=traits.MARKUP)
def tags(subject: Subject) -> Iterable[str]:
    """Tag lost, added or broken.

    The same tags as in the source, in any order, rightly nested, with the same links, classes and ids;
    <br> and <br/> are one.
    False alarms: none known.
    """
    facts = subject.facts
    if "<" not in subject.translation:
        return [f"The markup {_tag_list(facts.tags)} is missing."] if facts.tags else ()
    found, attributes, nested = read_tags(subject.translation)
    messages: list[str] = []
    if missing := facts.tags - found:
        messages.append(f"The markup {_tag_list(missing)} is missing.")
    if extra := found - facts.tags:
        messages.append(f"The markup {_tag_list(extra)} is not in the English text.")
    if attributes != facts.attributes:
        messages += differences(facts.attributes, attributes, "tag attribute")
    if not messages and facts.nested and not nested:
        messages.append("The tags are not closed in the right order.")
    if not messages:
        starts = len(pat.TAG_START.findall(subject.translation))
        if starts > sum(found.values()) and starts > len(pat.TAG_START.findall(subject.source)):
            messages.append("A tag is broken: it is opened with “<” and never closed.")
    return messages


def _tag_list(counts: Counter[tuple[str, str]]) -> str:
    return ", ".join(f"</{name}>" if form == "close" else f"<{name}>" for form, name in counts.elements())


@check("unsafe-markup", Severity.ERROR)
def unsafe_markup(subject: Subject) -> Iterable[str]:
    """Markup that could run in a shopper's browser.

    Scripts, frames, event attributes, javascript: links and the like that the source does not have in the very
    same words, also when hidden behind entities, case, line breaks or control characters.
    False alarms: none known.
    """
    text = subject.translation
    if "<" not in text and ":" not in text and "&" not in text:
        return ()
    new = _dangers(text) - _dangers(subject.source)
    return (f"The translation holds markup that must not reach a shop: “{min(new)[:40]}”.",) if new else ()


def _dangers(text: str) -> Counter[str]:
    """Return what could run, as a browser reads the text: as it stands, and with its entities resolved."""
    plain = pat.UNSEEN.sub("", text)
    if "&" in plain:
        # Twice: an entity may itself be written with one.
        plain += "\0" + pat.UNSEEN.sub("", html.unescape(html.unescape(plain)))
    found = Counter(" ".join(match.casefold().split()) for match in pat.UNSAFE.findall(plain))
    if pat.BREAKS.search(plain):
        found |= Counter(" ".join(m.casefold().split()) for m in pat.UNSAFE.findall(pat.BREAKS.sub("", plain)))
    return found


@check("entities", Severity.WARNING, needs=traits.MARKUP)
def entities(subject: Subject) -> Iterable[str]:
    """Character entity lost, added or escaped twice.

    &amp; and &nbsp; are kept or replaced by their character, never written as &amp;amp;.
    False alarms: an entity for a typographic character that the source writes plainly.
    """
    wanted = subject.facts.entities
    if not wanted and "&" not in subject.translation:
        return ()
    if pat.DOUBLE_ENTITY.search(subject.translation) and not pat.DOUBLE_ENTITY.search(subject.source):
        return ("A character entity is escaped twice, shoppers would see “&amp;”.",)
    found = Counter(pat.ENTITY.findall(subject.translation))
    messages = []
    for entity, _count in (found - wanted).items():
        messages.append(f"“{entity}” stands in the translation, but not in the English text.")
    for entity, count in (wanted - found).items():
        char = html.unescape(entity)
        # A space entity may become any space, an ampersand a word.
        if char.isspace() or char == "&" or char in "«»“”\"'’‘":
            continue
        if subject.translation.count(char) < count:
            messages.append(f"“{entity}” is missing.")
    return messages
