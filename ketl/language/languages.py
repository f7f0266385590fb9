"""The table of target languages: tag, names, script, direction, routing group and text habits."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from ketl._words import did_you_mean
from ketl.errors import SelectionError


@dataclass(frozen=True, slots=True, kw_only=True)
class Language:
    """One target language.

    `name` is the English name, `own_name` the language's own, `tag` its BCP 47 tag, `script` the ISO 15924
    code, `direction` "ltr" or "rtl", `group` the routing group. `expansion` is the typical length of a
    translation divided by the length of its English source, in characters; `chars_per_token` the characters
    of this language that one completion token carries (start values, learned per model from `usage`).
    `aliases` are further spellings that people type.
    """

    name: str
    own_name: str
    tag: str
    script: str
    group: str
    direction: str = "ltr"
    expansion: float = 1.15
    chars_per_token: float = 3.4
    aliases: tuple[str, ...] = ()


# Expansion figures: the ranges printed in the W3C's "Text size in translation" and our own shipped
# translations; characters per token: counted on the shipped translations with the o200k vocabulary's
# published behaviour (Latin about 3.5, Cyrillic and Greek 2.5, CJK 1.2, Arabic and Hebrew 2.3, Indic 2).
def _latin(
    name: str,
    own: str,
    tag: str,
    *aliases: str,
    expansion: float = 1.2,
    chars_per_token: float = 3.4,
    group: str = "western",
) -> Language:
    return Language(
        name=name,
        own_name=own,
        tag=tag,
        script="Latn",
        group=group,
        expansion=expansion,
        chars_per_token=chars_per_token,
        aliases=aliases,
    )


def _other(
    name: str,
    own: str,
    tag: str,
    script: str,
    group: str,
    expansion: float,
    chars_per_token: float,
    *aliases: str,
    rtl: bool = False,
) -> Language:
    return Language(
        name=name,
        own_name=own,
        tag=tag,
        script=script,
        group=group,
        direction="rtl" if rtl else "ltr",
        expansion=expansion,
        chars_per_token=chars_per_token,
        aliases=aliases,
    )


LANGUAGES: tuple[Language, ...] = (
    _latin("Spanish", "Español", "es", "es-ES", "Castilian", "Castellano", expansion=1.2),
    _latin("Spanish (Mexico)", "Español (México)", "es-MX", "Mexican Spanish", expansion=1.2),
    _latin("French", "Français", "fr", "fr-FR", expansion=1.25),
    _latin("French (Canada)", "Français (Canada)", "fr-CA", "Canadian French", expansion=1.25),
    _latin("German", "Deutsch", "de", "de-DE", expansion=1.2),
    _latin("Italian", "Italiano", "it", "it-IT", expansion=1.15),
    _latin(
        "Portuguese (Brazil)", "Português (Brasil)", "pt-BR", "pt", "Portuguese", "Português", "Brazilian Portuguese"
    ),
    _latin("Portuguese (Portugal)", "Português (Portugal)", "pt-PT", "European Portuguese"),
    _latin("Catalan", "Català", "ca"),
    _latin("Dutch", "Nederlands", "nl", "nl-NL", "Flemish"),
    _latin("Swedish", "Svenska", "sv", "sv-SE", expansion=1.05),
    _latin("Danish", "Dansk", "da", expansion=1.05),
    _latin("Norwegian", "Norsk bokmål", "nb", "no", "nb-NO", "Norwegian Bokmål", "Bokmål", "Norsk", expansion=1.05),
    _latin("Finnish", "Suomi", "fi", chars_per_token=2.8, expansion=1.1),
    _latin("Icelandic", "Íslenska", "is", chars_per_token=2.5, expansion=1.1),
    _latin("Polish", "Polski", "pl", "pl-PL", chars_per_token=2.7),
    _latin("Czech", "Čeština", "cs", "cs-CZ", chars_per_token=2.5, expansion=1.05),
    _latin("Slovak", "Slovenčina", "sk", chars_per_token=2.5, expansion=1.08),
    _latin("Slovenian", "Slovenščina", "sl", chars_per_token=2.6, expansion=1.08),
    _latin("Croatian", "Hrvatski", "hr", chars_per_token=2.7, expansion=1.08),
    _latin("Hungarian", "Magyar", "hu", chars_per_token=2.5, expansion=1.15),
    _latin("Romanian", "Română", "ro", chars_per_token=2.8),
    _latin("Lithuanian", "Lietuvių", "lt", chars_per_token=2.4, expansion=1.1),
    _latin("Latvian", "Latviešu", "lv", chars_per_token=2.4, expansion=1.1),
    _latin("Estonian", "Eesti", "et", chars_per_token=2.6, expansion=1.05),
    _latin("Turkish", "Türkçe", "tr", "tr-TR", chars_per_token=2.7, expansion=1.1),
    _other("Russian", "Русский", "ru", "Cyrl", "cyrillic", 1.15, 2.6, "ru-RU"),
    _other("Ukrainian", "Українська", "uk", "Cyrl", "cyrillic", 1.12, 2.4, "uk-UA"),
    _other("Bulgarian", "Български", "bg", "Cyrl", "cyrillic", 1.12, 2.5),
    _other("Serbian", "Српски", "sr", "Cyrl", "cyrillic", 1.08, 2.4, "sr-Cyrl"),
    _other("Greek", "Ελληνικά", "el", "Grek", "western", 1.25, 2.1, "el-GR"),
    _other("Japanese", "日本語", "ja", "Jpan", "asian", 0.55, 1.15, "ja-JP"),
    _other(
        "Chinese (Simplified)",
        "简体中文",
        "zh-Hans",
        "Hans",
        "asian",
        0.38,
        1.15,
        "zh",
        "zh-CN",
        "zh-SG",
        "Chinese",
        "Simplified Chinese",
        "中文",
        "Mandarin",
        "中文（简体）",
    ),
    _other(
        "Chinese (Traditional)",
        "繁體中文",
        "zh-Hant",
        "Hant",
        "asian",
        0.38,
        1.0,
        "zh-TW",
        "zh-HK",
        "zh-MO",
        "Traditional Chinese",
        "中文（繁體）",
    ),
    _other("Korean", "한국어", "ko", "Kore", "asian", 0.6, 1.3, "ko-KR"),
    _other("Thai", "ไทย", "th", "Thai", "asian", 0.95, 1.7, "th-TH", "ภาษาไทย"),
    _latin("Vietnamese", "Tiếng Việt", "vi", "vi-VN", group="asian", chars_per_token=2.8, expansion=1.1),
    _latin("Indonesian", "Bahasa Indonesia", "id", "id-ID", "in", group="asian", chars_per_token=3.2, expansion=1.12),
    _latin("Malay", "Bahasa Melayu", "ms", group="asian", chars_per_token=3.1, expansion=1.12),
    _latin("Filipino", "Filipino", "fil", "tl", "Tagalog", group="asian", chars_per_token=2.9, expansion=1.25),
    _other("Hindi", "हिन्दी", "hi", "Deva", "indic", 1.1, 2.0, "hi-IN"),
    _other("Bengali", "বাংলা", "bn", "Beng", "indic", 1.08, 1.8, "Bangla"),
    _other("Tamil", "தமிழ்", "ta", "Taml", "indic", 1.25, 1.7),
    _other("Arabic", "العربية", "ar", "Arab", "arabic", 0.95, 2.3, "ar-SA", "ar-AE", "ar-EG", rtl=True),
    _other("Hebrew", "עברית", "he", "Hebr", "arabic", 0.85, 2.0, "iw", "he-IL", rtl=True),
    _other("Persian", "فارسی", "fa", "Arab", "arabic", 1.0, 2.2, "Farsi", "fa-IR", rtl=True),
    _other("Urdu", "اردو", "ur", "Arab", "arabic", 1.05, 2.2, "ur-PK", rtl=True),
)

BY_TAG: Mapping[str, Language] = {language.tag: language for language in LANGUAGES}

GROUPS: tuple[str, ...] = tuple(dict.fromkeys(language.group for language in LANGUAGES))


def _fold(word: str) -> str:
    """Fold case, width and separators, so that `PT_br`, `pt-BR` and ` pt-br ` are one spelling."""
    return " ".join(unicodedata.normalize("NFKC", word).casefold().replace("_", "-").split())


@lru_cache(maxsize=1)
def _spellings() -> dict[str, Language]:
    table: dict[str, Language] = {}
    # Own spellings first; aliases never shadow the name or tag of another language.
    for language in LANGUAGES:
        for spelling in (language.name, language.own_name, language.tag):
            table[_fold(spelling)] = language
    for language in LANGUAGES:
        for spelling in language.aliases:
            table.setdefault(_fold(spelling), language)
    return table


def language_name(tag: str) -> str:
    """Return the English name of the language with this tag, the tag itself where none has it.

    What was stored by an earlier release may carry a tag that this one does not know.
    """
    language = BY_TAG.get(tag)
    return tag if language is None else language.name


def find_language(word: str | Language) -> Language:
    """Return the language meant by an English name, own name, BCP 47 tag or known alias, in any case.

    Raises SelectionError, naming the near matches, when no language is meant by it.
    """
    if isinstance(word, Language):
        return word
    table = _spellings()
    found = table.get(_fold(word))
    if found is None:
        hint = did_you_mean(word, [language.name for language in LANGUAGES]) or did_you_mean(
            word, [spelling for language in LANGUAGES for spelling in (language.own_name, language.tag)]
        )
        raise SelectionError(f"The language “{word}” is not known.{hint} Choose one of the {len(LANGUAGES)} known.")
    return found


def find_languages(words: Iterable[str | Language]) -> tuple[Language, ...]:
    """Return the languages meant by `words`, each once, in the order given; `all` means every language.

    Raises SelectionError for an unknown word and when `words` is empty.
    """
    chosen: dict[str, Language] = {}
    for word in words:
        if isinstance(word, str) and _fold(word) == "all":
            chosen.update(BY_TAG)
            continue
        language = find_language(word)
        chosen[language.tag] = language
    if not chosen:
        raise SelectionError("No language was chosen. Choose at least one, for example Spanish.")
    return tuple(chosen.values())
