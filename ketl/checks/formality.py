"""Check of address: du or Sie, tú or usted, ты or вы, as the brand voice asks."""

from __future__ import annotations

import re
from collections.abc import Iterable

from ketl.checks._function_words import base_tag
from ketl.checks.base import Severity, check
from ketl.checks.subject import Subject


def _words(line: str) -> str:
    return rf"(?i:\b(?:{line.replace(' ', '|')})\b)"


# Language: (informal, formal). “Sie” and “Lei” count only inside a sentence, where they cannot mean “she”.
_ADDRESS = {
    tag: (re.compile(informal), re.compile(formal))
    for tag, (informal, formal) in {
        "es": (_words("tú tu tus ti contigo tuyo tuya"), _words("usted")),
        "fr": (_words("tu toi tes"), _words("vous votre vos vôtre")),
        "de": (
            _words("du dich dir dein deine deinen deinem deiner deines"),
            r"(?<=[a-zäöüß,] )(?:Sie|Ihnen|Ihr|Ihre|Ihren|Ihrem|Ihrer)\b",
        ),
        "it": (_words("tu tuo tua tuoi tue"), r"(?<=[a-zàèéìòù,] )(?:Lei|Suo|Sua|Suoi|Sue)\b"),
        "nl": (_words("je jij jouw jou"), _words("u uw")),
        "pl": (
            _words("ty ciebie tobie twój twoja twoje twojego twojej twoim"),
            r"(?<=[a-ząćęłńóśźż,] )(?:Pan|Pani|Państwo|Państwa|Panu)\b",
        ),
        "ru": (
            _words("ты тебя тебе тобой твой твоя твоё твои твоих твоей твоего"),
            _words("вы вас вам вами ваш ваша ваше ваши ваших вашей вашего"),
        ),
        "uk": (_words("ти тебе тобі твій твоя твоє твої"), _words("ви вас вам вами ваш ваша ваше ваші")),
        "cs": (_words("ty tebe tobě tvůj tvoje tvá tvé tvoji"), _words("vás vám vámi váš vaše vaši")),
        "sv": (_words("du dig din ditt dina"), r"(?<=[a-zåäö,] )(?:Ni|Er|Ert|Era)\b"),
        "tr": (_words("sen seni sana senin"), _words("siz sizi size sizin")),
    }.items()
}


@check("formality", Severity.WARNING)
def formality(subject: Subject) -> Iterable[str]:
    """Wrong form of address.

    Only the form that the brand voice does not want is present, or both are mixed.
    False alarms: quoted speech, plural address.
    """
    if subject.kind not in ("prose", "list"):
        return ()
    patterns = _ADDRESS.get(base_tag(subject.language.tag))
    if patterns is None:
        return ()
    informal, formal = (pattern.search(subject.translation) for pattern in patterns)
    if informal and formal:
        return (f"“{informal[0]}” and “{formal[0]}” are mixed.",)
    if informal and subject.formality == "formal":
        return (f"“{informal[0]}” is informal, the brand voice is formal here.",)
    if formal and subject.formality == "informal":
        return (f"“{formal[0]}” is formal, the brand voice is informal here.",)
    return ()
