"""Checks that the text is in the target language: not the source again, not English, not another language."""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

from ketl.checks import _patterns as pat
from ketl.checks._function_words import CLOSE_PAIRS, FUNCTION_WORDS, base_tag, count_function_words, vote
from ketl.checks.base import Severity, check
from ketl.checks.identity import renders
from ketl.checks.subject import Subject
from ketl.languages import LANGUAGES

# English words that shops of many languages use unchanged; alone they prove no missing translation.
LOANWORDS = frozenset(
    """active airport bag base beanie belt bike biker bikini bio black blazer body bomber bootcut boots boxer brief
    briefs cap cardigan cargo casual champion chino chinos city classic club coat collection color cool copper crop
    cotton crew cross cut denim design diesel dress duffel elastan elastane enduro eco equipment fan fashion fit fitness fleece
    flannel freeride full functional gaiter gel glove gore grey grip gym hip hoodie hoody inseam interlock jacket jeans
    jersey jogger joggers jogging jumper khaki legging leggings light liner logo longsleeve lounge lycra marine medium
    membrane merino mesh mini mix model modern mountain mtb nano navy neck nylon oliver olive orange original outdoor
    outfit overall oversize oversized pack pad panel park parka patch performance plus polo polyamide polyester poncho
    popeline premium print pro pullover pure racing regular relaxed retro ripstop rock rosa running safari sand set shell shirt
    short shorts silicone silk single size skinny slim sneaker sneakers soft softshell spandex sport sports standard
    straight street stretch strap style sun super sweat sweater sweatshirt synthetic tank team tech teen tee thermo top
    topaz touch trail training travel trekking trend trench trend tube tunnel twill ultra unisex urban v-neck velour
    vest vintage viscose wash windbreaker wool xl yoga zip zipper taupe beige mint lime indigo natural pink turquoise
    violet magenta cyan gel anorak bandana max min air flex dry fresh warm""".split()
)


@lru_cache(maxsize=64)
def _english_only(tag: str) -> frozenset[str]:
    """English function words that the language itself does not have, and that no neighbour's words resemble."""
    shared = FUNCTION_WORDS.get(base_tag(tag), frozenset())
    return FUNCTION_WORDS["en"] - shared - {"a", "in", "on", "it", "is", "at", "of", "as", "an", "so", "all", "we", "for", "most", "not"}


@lru_cache(maxsize=64)
def _mark(tag: str, name: str) -> re.Pattern[str]:
    words = "|".join(re.escape(word) for word in {tag, base_tag(tag), name})
    return re.compile(rf"^\W*(?:{words})\s*[\])}}>:|»·⟧〕】]|[\[({{<|«·⟦〔【]\s*(?:{words})\W*$", re.IGNORECASE)


def _plain(text: str) -> str:
    return "".join(char for char in text.casefold() if char.isalnum())


def _own_words(subject: Subject) -> list[str]:
    """The words of the source that a translation could change: no protected names, codes, loanwords."""
    text = pat.ACRONYM.sub(" ", subject.facts.folded)
    for term in sorted((t.term for t in subject.terms if t.do_not_translate), key=len, reverse=True):
        text = text.replace(term, " ")
    for code in subject.facts.codes:
        text = text.replace(code, " ")
    return [
        word.casefold()
        for word in pat.WORD.findall(text)
        if len(word) > 2 and not word.isupper() and word.casefold() not in LOANWORDS
    ]


@check("untranslated", Severity.ERROR)
def untranslated(subject: Subject) -> Iterable[str]:
    """Still in English.

    The source came back as it was, or the text has many small English words and hardly any of its own
    language.
    False alarms: names and loanwords (“Hoodie”, “Slim Fit”) are let pass; a demo text that marks the source with
    its language tag (“[fr] …”) is not judged.
    """
    source, target = subject.source.strip(), subject.translation.strip()
    if target == source or (abs(len(target) - len(source)) <= 4 and _plain(target) == _plain(source)):
        own = _own_words(subject)
        if len(own) >= 2:
            return ("The text came back in English.",)
        if own and subject.language.script == "Latn" and _glossary_knows_better(subject):
            return ("The text came back in English, the glossary has a translation.",)
        return ()
    words = subject.seen.words
    english = words & _english_only(subject.language.tag) if not words.isdisjoint(FUNCTION_WORDS["en"]) else frozenset()
    needed = 4 if subject.language.script == "Latn" else 3
    if len(english) < needed or len(english) < 2 * count_function_words(target, words - english, subject.language.tag):
        return ()
    if _mark(subject.language.tag, subject.language.name).search(target):
        return ()
    return (f"The text is still in English, at least in part (“{', '.join(sorted(english)[:4])}”).",)


def _glossary_knows_better(subject: Subject) -> bool:
    lowered = subject.seen.lowered
    return any(
        term.renderings and not term.do_not_translate and not renders(term, lowered) for term in subject.terms
    )


@check("same-as-source", Severity.WARNING)
def same_as_source(subject: Subject) -> Iterable[str]:
    """Same as the English text.

    Nothing changed although a word is there that a translation would change.
    False alarms: cognates and loanwords; a short list of them and the glossary's own renderings are let pass.
    """
    if subject.language.script != "Latn" or _plain(subject.translation) != _plain(subject.source):
        return ()
    own = _own_words(subject)
    # Two words and more are the check "untranslated"; a glossary rendering equal to the source is right.
    if len(own) != 1 or any(term.renderings and renders(term, subject.seen.lowered) for term in subject.terms):
        return ()
    return (f"The translation is the English text (“{subject.source.strip()}”).",)


_SCRIPT_OF = {base_tag(language.tag): language.script for language in LANGUAGES}
_NAME_OF = {base_tag(language.tag): language.name.partition(" (")[0] for language in reversed(LANGUAGES)}

# Letters and words that one of two languages in the same script has and the other has not.
_TELLTALE = {
    "ru": ("Ukrainian, Bulgarian or Serbian", re.compile("[іїєґўјљњћђџ]")),
    "uk": ("Russian", re.compile("[ыэъё]")),
    "bg": ("Russian or Ukrainian", re.compile("[ыэёіїє]")),
    "sr": ("Russian or Ukrainian", re.compile("[ыэёіїєщйяю]")),
    "ar": ("Persian or Urdu", re.compile("[پچژگکیٹڈڑںے]")),
    "fa": ("Arabic or Urdu", re.compile("[ةىكيٹڈڑںے]")),
    "zh-Hans": ("Traditional Chinese", re.compile("這|個|們|為|時|後|來|沒|還|對|說|讓|與|過|會|從|給|裡|樣|麼|開|關|點|長|車|帶")),
    "zh-Hant": ("Simplified Chinese", re.compile("这|个|们|为|时|后|来|没|还|对|说|让|与|过|会|从|给|样|么|开|关|点|长|车|带")),
    "ja": ("Chinese", re.compile("这|们|为|时|没|还|说|让|给|样|么|你|您|吗|呢|吧|們|這|麼|沒|嗎|讓")),
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
        letters = set(telltale[1].findall(subject.seen.lowered))
        if len(letters) >= 3 and not (tag in ("zh-Hans", "zh-Hant") and _own_script_words(tag, subject.translation)):
            return (f"The text looks like {telltale[0]}, not {subject.language.name}.",)
    if subject.language.script not in ("Latn", "Cyrl") or len(words) < 5:
        return ()
    own = count_function_words(subject.translation, words, tag)
    if own >= 3:
        return ()
    best, count = vote(words, tag)
    if count < 3 or count < 3 * (own + 1) or count < len(words) * 0.15 or _SCRIPT_OF.get(best, "Latn") != subject.language.script:
        return ()
    if frozenset((best, base_tag(tag))) in CLOSE_PAIRS and count < 5 * (own + 1):
        return ()
    if best == "en" and _mark(tag, subject.language.name).search(subject.translation.strip()):
        return ()
    return (f"The text looks like {_NAME_OF.get(best, 'English')}, not {subject.language.name}.",)


def _own_script_words(tag: str, text: str) -> bool:
    """Tell whether characters of the right Chinese script are there too, as in an old-style brand name."""
    other = _TELLTALE["zh-Hant" if tag == "zh-Hans" else "zh-Hans"][1]
    return len(set(other.findall(text))) >= 3
