"""Checks of what is hardly seen: invisible characters, spaces, line breaks and list marks."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

from ketl.checks import _patterns as pat
from ketl.checks import _traits as traits
from ketl.checks._alphabets import COMPOSING, INVISIBLE
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject

_ZERO_WIDTH_SPACE_OK = frozenset({"th"})
_DOUBLE_SPACE = re.compile(r"(?<=\S)[ \u00a0]{2,}(?=\S)")


def unwanted_invisibles(text: str, tag: str, rtl: bool) -> Counter[str]:
    """Return the invisible characters of a text that the language has no use for."""
    found = Counter(INVISIBLE.findall(text))
    if tag in _ZERO_WIDTH_SPACE_OK:
        found.pop("\u200b", None)
    if rtl:
        found.pop("\u200e", None)
        found.pop("\u200f", None)
    return found


@check("invisible", Severity.WARNING, needs=traits.STRANGE)
def invisible(subject: Subject) -> Iterable[str]:
    """Invisible character.

    Zero-width spaces, byte-order marks, soft hyphens, direction overrides and control characters that the
    source does not have, and letters not in their usual composed form.
    False alarms: soft hyphens set on purpose; what Thai, Arabic, Hebrew, Persian and Indic writing needs is
    let pass.
    """
    text = subject.translation
    messages = []
    if (
        subject.language.script in COMPOSING
        and not unicodedata.is_normalized("NFC", text)
        and unicodedata.is_normalized("NFC", subject.source)
    ):
        messages.append("Some letters are stored in two pieces (not in the NFC form).")
    rtl = subject.language.direction == "rtl"
    found = unwanted_invisibles(text, subject.language.tag, rtl)
    if found:
        for char in found - Counter(INVISIBLE.findall(subject.source)):
            name = unicodedata.name(char, f"control character {ord(char):04X}").casefold()
            messages.append(f"There is an invisible character ({name}).")
    return messages


@check("spaces", Severity.WARNING)
def spaces(subject: Subject) -> Iterable[str]:
    """Space too many or too few.

    Spaces at the beginning and end as in the source; no double space unless the source has one.
    False alarms: none known.
    """
    source, text = subject.source, subject.translation
    messages = []
    if text[:1].isspace() != source[:1].isspace():
        messages.append(
            "A space at the beginning is too many." if text[:1].isspace() else "The space at the beginning is missing."
        )
    if text[-1:].isspace() != source[-1:].isspace():
        messages.append(
            "A space at the end is too many." if text[-1:].isspace() else "The space at the end is missing."
        )
    if ("  " in text or "\u00a0" in text) and _DOUBLE_SPACE.search(text) and not _DOUBLE_SPACE.search(source):
        messages.append("There is a double space.")
    return messages


@check("line-breaks", Severity.WARNING, needs=traits.LINES)
def line_breaks(subject: Subject) -> Iterable[str]:
    """Line break lost or added.

    As many line breaks as in the source.
    False alarms: none known.
    """
    wanted, found = subject.facts.newlines, subject.translation.count("\n")
    if wanted == found:
        return ()
    return (f"The translation has {found} line break{'s' * (found != 1)}, the English text {wanted}.",)


@check("bullets", Severity.WARNING, needs=traits.LINES)
def bullets(subject: Subject) -> Iterable[str]:
    """List mark lost or added.

    As many lines begin with a bullet or number as in the source.
    False alarms: none known.
    """
    wanted = subject.facts.bullets
    if not wanted and "\n" not in subject.translation:
        return ()
    found = len(pat.BULLET.findall(subject.translation))
    return () if found == wanted else (f"{found} lines begin with a list mark, in English {wanted}.",)
