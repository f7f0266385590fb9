"""Check of address: du or Sie, tú or usted, ты or вы, as the brand voice asks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ketl.checks._function_words import base_tag
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject

# Language: informal words, formal words. “Sie”, “Lei” and the like count only inside a sentence, where they
# cannot mean “she”: a pattern finds them.
_ADDRESS = {
    tag: (frozenset(informal.split()), frozenset(formal.split()))
    for tag, (informal, formal) in {
        "es": ("tú tu tus ti contigo tuyo tuya", "usted"),
        "fr": ("tu toi tes", "vous votre vos vôtre"),
        "de": ("du dich dir dein deine deinen deinem deiner deines", ""),
        "it": ("tu tuo tua tuoi tue", ""),
        "nl": ("je jij jouw jou", "u uw"),
        "pl": ("ty ciebie tobie twój twoja twoje twojego twojej twoim", ""),
        "ru": (
            "ты тебя тебе тобой твой твоя твоё твои твоих твоей твоего",
            "вы вас вам вами ваш ваша ваше ваши ваших вашей вашего",
        ),
        "uk": ("ти тебе тобі твій твоя твоє твої", "ви вас вам вами ваш ваша ваше ваші"),
        "cs": ("ty tebe tobě tvůj tvoje tvá tvé tvoji", "vás vám vámi váš vaše vaši"),
        "sv": ("du dig din ditt dina", ""),
        "tr": ("sen seni sana senin", "siz sizi size sizin"),
    }.items()
}
_CAPITAL_FORMS = {
    "de": r"(?<=[a-zäöüß,] )(?:Sie|Ihnen|Ihr|Ihre|Ihren|Ihrem|Ihrer)\b",
    "it": r"(?<=[a-zàèéìòù,] )(?:Lei|Suo|Sua|Suoi|Sue)\b",
    "pl": r"(?<=[a-ząćęłńóśźż,] )(?:Pan|Pani|Państwo|Państwa|Panu)\b",
    "sv": r"(?<=[a-zåäö,] )(?:Ni|Er|Ert|Era)\b",
}
_CAPITAL_WORDS = {
    "de": frozenset("sie ihnen ihr ihre ihren ihrem ihrer".split()),
    "it": frozenset("lei suo sua suoi sue".split()),
    "pl": frozenset("pan pani państwo państwa panu".split()),
    "sv": frozenset("ni er ert era".split()),
}


def _formal(subject: Subject, tag: str, known: frozenset[str]) -> str:
    """Return a formal word of the text, an empty string when there is none."""
    words = subject.seen.words
    if tag in _CAPITAL_WORDS:
        if words.isdisjoint(_CAPITAL_WORDS[tag]):
            return ""
        found = re.search(_CAPITAL_FORMS[tag], subject.translation)
        return found[0] if found else ""
    return "" if words.isdisjoint(known) else min(words & known)


@check("formality", Severity.WARNING)
def formality(subject: Subject) -> Iterable[str]:
    """Wrong form of address.

    Only the form that the brand voice does not want is present, or both are mixed.
    False alarms: quoted speech, plural address.
    """
    if subject.kind not in ("prose", "list"):
        return ()
    tag = base_tag(subject.language.tag)
    address = _ADDRESS.get(tag)
    if address is None:
        return ()
    words = subject.seen.words
    informal = "" if words.isdisjoint(address[0]) else min(words & address[0])
    formal = _formal(subject, tag, address[1])
    if informal and formal:
        return (f"“{informal}” and “{formal}” are mixed.",)
    if informal and subject.formality == "formal":
        return (f"“{informal}” is informal, the brand voice is formal here.",)
    if formal and subject.formality == "informal":
        return (f"“{formal}” is formal, the brand voice is informal here.",)
    return ()
