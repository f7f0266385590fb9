"""Checks that the text is in the target language: not the source again, not English, not another language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ketl.checks import _patterns as pat
from ketl.checks._function_words import CLOSE_PAIRS, FUNCTION_WORDS, base_tag, count_function_words, vote
from ketl.checks.base import Severity, check
from ketl.checks.subject import GlossaryTerm, Subject, bare
from ketl.language.languages import LANGUAGES

# English words that shops of many languages use unchanged; alone they prove no missing translation.
_LOANWORDS = (
    "anorak bandana base beanie beige bermuda bikini blazer bomber bordeaux boxer cactus camel cap cargo "
    "casual chino color coral crop denim design duffel elastan elastane enduro fit fitness fleece "
    "freeride fuchsia gel hoodie indigo jeans jersey jogger joggers khaki latex leggings lime liner logo "
    "lycra magenta marine membrane menta merino mesh mini mocha modal model mountainbike natural neon "
    "nylon olive orange original outdoor outfit oversize oversized panel parka polar polo polyamide "
    "polyester poncho pullover regular retro ripstop rosa rose safari sand set shirt shorts silicone "
    "skinny slim sneaker sneakers soft softshell spandex sport standard straight street stretch style "
    "sweater sweatshirt tank team tee terracotta thermo top trail trekking turquoise twill unisex urban "
    "vanilla velour violet viscose yoga zip"
)
LOANWORDS = frozenset(_LOANWORDS.split())


@lru_cache(maxsize=64)
def _english_only(tag: str) -> frozenset[str]:
    """English function words that the language itself does not have, and that no neighbour's words resemble."""
    shared = FUNCTION_WORDS.get(base_tag(tag), frozenset())
    return (
        FUNCTION_WORDS["en"]
        - shared
        - {"a", "in", "on", "it", "is", "at", "of", "as", "an", "so", "all", "we", "for", "most", "not"}
    )


@lru_cache(maxsize=64)
def _mark(tag: str, name: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in {tag, base_tag(tag), name})
    return re.compile(rf"^\W*(?:{words})\s*[\])}}>:|»·⟧〕】]|[\[({{<|«·⟦〔【]\s*(?:{words})\W*$", re.IGNORECASE)


def has_language_mark(subject: Subject) -> bool:
    """Tell whether the text is marked with its language (“[fr] …”), as demo and test texts are."""
    return _mark(subject.language.tag, subject.language.name).search(subject.translation.strip()) is not None


def _own_words(subject: Subject) -> list[str]:
    """The words of an echoed source that a translation could change: no protected names, codes, capitals.

    Nor what the glossary itself renders with the English word.
    """
    text = pat.ACRONYM.sub(" ", subject.facts.folded)
    kept = [t.term for t in subject.terms if t.do_not_translate or _agreed(t, subject.seen.lowered)]
    for term in sorted(dict.fromkeys([*kept, *subject.facts.codes]), key=len, reverse=True):
        text = re.sub(re.escape(term), " ", text, flags=re.IGNORECASE)
    return [word.casefold() for word in pat.WORD.findall(text) if len(word) > 2 and not word.isupper()]


def _is_echo(subject: Subject) -> bool:
    """Tell whether the words and digits are those of the source, whatever signs stand between them."""
    return subject.facts.words <= subject.seen.words and subject.facts.bare == bare(subject.translation)


def _is_nearly_echo(subject: Subject) -> bool:
    """Tell whether most words that a translation could change stand there unchanged, while others were changed.

    In the shipped translations a third of them stays at most. The whole source with something around it is a
    demo text.
    """
    facts, words = subject.facts, subject.seen.words
    if subject.language.script != "Latn" or subject.kind in ("title", "option") or facts.placeholders:
        return False
    if len(facts.words & words) * 2 < len(facts.words):
        return False
    own = {word for word in _own_words(subject) if word not in LOANWORDS}
    return len(own) >= 3 and len(own & words) >= len(own) * 0.75 and facts.bare not in bare(subject.translation)


def _agreed(term: GlossaryTerm, lowered: str) -> bool:
    """Tell whether the text has a rendering of the term as a whole word."""
    return any(re.search(rf"(?<!\w){re.escape(rendering.casefold())}(?!\w)", lowered) for rendering in term.renderings)


@check("untranslated", Severity.ERROR)
def untranslated(subject: Subject) -> Iterable[str]:
    """Still in English.

    The source came back as it was, or the text has many small English words and hardly any of its own
    language.
    False alarms: names and loanwords (“Hoodie”, “Slim Fit”) are let pass; a demo text that marks the source with
    its language tag (“[fr] …”) is not judged.
    """
    if _is_echo(subject):
        own = _own_words(subject)
        foreign = [word for word in own if word not in LOANWORDS]
        latin = subject.language.script == "Latn"
        # A lone unknown word in a title may be a name, unless the names are known.
        may_be_name = (
            latin and subject.kind == "title" and len(own) == 1 and not any(t.do_not_translate for t in subject.terms)
        )
        known = any(
            t.renderings and not _agreed(t, subject.seen.lowered) for t in subject.terms if not t.do_not_translate
        )
        if own and not may_be_name and (foreign or known or not latin):
            return ("The text came back in English.",)
        return ()
    if _is_nearly_echo(subject):
        return ("The text came back in English, with small changes.",)
    words = subject.seen.words
    if words.isdisjoint(FUNCTION_WORDS["en"]):
        return ()
    tag = subject.language.tag
    english = words & _english_only(tag)
    needed = 4 if subject.language.script == "Latn" else 3
    if len(english) < needed:
        return ()
    if len(english) < 6 and len(english) < count_function_words(subject.translation, words - english, tag):
        return ()
    if has_language_mark(subject):
        return ()
    return (f"The text is still in English, at least in part (“{', '.join(sorted(english)[:4])}”).",)


@check("same-as-source", Severity.WARNING)
def same_as_source(subject: Subject) -> Iterable[str]:
    """Same as the English text.

    Nothing changed although a word is there that a translation could change.
    False alarms: cognates and loanwords, unless the glossary has them as a rendering.
    """
    if subject.language.script != "Latn" or not _is_echo(subject) or not _own_words(subject):
        return ()
    # A sign that moved, as in the Turkish “%100 polyester”, shows that somebody looked.
    if _unspaced(subject.translation) != _unspaced(subject.source):
        return ()
    return (f"The translation is the English text (“{subject.source.strip()}”).",)


def _unspaced(text: str) -> str:
    return "".join(text.casefold().split()).strip(".!?:;,…\"“”„'’»«")


_SCRIPT_OF = {base_tag(language.tag): language.script for language in LANGUAGES}
_NAME_OF = {base_tag(language.tag): language.name.partition(" (")[0] for language in reversed(LANGUAGES)}

# Letters and words that one of two languages in the same script has and the other has not.
_TELLTALE = {
    "ru": ("Ukrainian, Bulgarian or Serbian", frozenset("іїєґўјљњћђџІЇЄҐЎЈЉЊЋЂЏ")),
    "uk": ("Russian", frozenset("ыэъёЫЭЪЁ")),
    "bg": ("Russian or Ukrainian", frozenset("ыэёіїєЫЭЁІЇЄ")),
    "sr": ("Russian or Ukrainian", frozenset("ыэёіїєщйяюЫЭЁІЇЄЩЙЯЮ")),
    "ar": ("Persian or Urdu", frozenset("پچژگکیٹڈڑںے")),
    "fa": ("Arabic or Urdu", frozenset("ةىكيٹڈڑںے")),
    "zh-Hans": (
        "Traditional Chinese",
        frozenset("這個們為時後來沒還對說讓與過會從給裡樣麼開關點長車帶"),
    ),
    "zh-Hant": (
        "Simplified Chinese",
        frozenset("这个们为时后来没还对说让与过会从给样么开关点长车带"),
    ),
    "ja": ("Chinese", frozenset("这们为时没还说让给样么你您吗呢吧們這麼沒嗎讓")),
}


@check("language", Severity.WARNING)
def language(subject: Subject) -> Iterable[str]:
    """Probably another language.

    Small words, or letters, of another language of the same script, and hardly any of the target's own;
    only from four words of running text on.
    False alarms: close pairs such as Danish and Norwegian are not told apart.
    """
    tag = subject.language.tag
    words = subject.seen.words
    telltale = _TELLTALE.get(tag if tag.startswith("zh") else base_tag(tag))
    if telltale is not None and len(subject.translation) >= 12:
        letters = {letter.casefold() for letter in telltale[1] & subject.seen.chars}
        if len(letters) >= 3 and not (tag in ("zh-Hans", "zh-Hant") and _own_script_words(tag, subject.translation)):
            return (f"The text looks like {telltale[0]}, not {subject.language.name}.",)
    if subject.language.script not in ("Latn", "Cyrl") or len(words) < 5:
        return ()
    own = subject.seen.function_words
    if own >= 3:
        return ()
    best, count = vote(words, tag)
    if (
        count < 3
        or count < 3 * (own + 1)
        or count < len(words) * 0.15
        or _SCRIPT_OF.get(best, "Latn") != subject.language.script
    ):
        return ()
    if frozenset((best, base_tag(tag))) in CLOSE_PAIRS and count < 5 * (own + 1):
        return ()
    if has_language_mark(subject):
        return ()
    return (f"The text looks like {_NAME_OF.get(best, 'English')}, not {subject.language.name}.",)


def _own_script_words(tag: str, text: str) -> bool:
    """Tell whether characters of the right Chinese script are there too, as in an old-style brand name."""
    other = _TELLTALE["zh-Hant" if tag == "zh-Hans" else "zh-Hans"][1]
    return len(other.intersection(text)) >= 3
