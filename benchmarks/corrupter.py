"""Plants one kind of damage after another into good translations, always the same for the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from ketl.language.glossary import Term
from ketl.language.languages import Language


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One translated text: its English, its translation, and what the checks are told of it."""

    source: str
    translation: str
    language: Language
    kind: str
    terms: tuple[Term, ...] = ()


Plant = Callable[[Row, random.Random], Row | None]


@dataclass(frozen=True, slots=True)
class Damage:
    """One kind of damage: its name, the severity it must be found with, and the function that plants it.

    `checks` are the ids that count as caught. `plant` returns None for a row that cannot carry the damage.
    """

    name: str
    severity: str
    checks: frozenset[str]
    plant: Plant


_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
# A swap inside a date, code or small count would be another kind of damage: two digits and more, not in a code.
_SWAPPABLE = re.compile(r"(?<![A-Za-z\d.,])(\d*?)(\d)(\d)(?![\dA-Z])")
_UNIT = re.compile(r"(?<=\d)(\s?)(oz|lb|cm|km|mm|g|g/m²)(?![\w/²])")
_OTHER_UNIT = {"oz": "kg", "lb": "kg", "cm": "in", "km": "m", "mm": "cm", "g": "oz", "g/m²": "oz"}


def _change(row: Row, translation: str | None) -> Row | None:
    return None if translation is None or translation == row.translation else replace(row, translation=translation)


def _carry(row: Row, piece: str) -> Row:
    """Append a carrier to both sides, where the text itself has nothing that could be damaged so."""
    return replace(row, source=f"{row.source} {piece}", translation=f"{row.translation} {piece}")


def _swap_digits(row: Row, rng: random.Random) -> Row | None:
    spots = [m for m in _SWAPPABLE.finditer(row.translation) if m[2] != m[3]]
    if not spots:
        return None
    spot = rng.choice(spots)
    changed = f"{row.translation[: spot.start()]}{spot[1]}{spot[3]}{spot[2]}{row.translation[spot.end() :]}"
    return _change(row, changed)


def _change_digit(row: Row, rng: random.Random) -> Row | None:
    spots = list(_NUMBER.finditer(row.translation))
    if not spots:
        return None
    spot = rng.choice(spots)
    digit = str((int(spot[0][0]) + rng.randint(1, 8)) % 9 + 1)
    return _change(row, f"{row.translation[: spot.start()]}{digit}{row.translation[spot.start() + 1 :]}")


def _drop_number(row: Row, rng: random.Random) -> Row | None:
    # A lone 1 may melt into an article: that is the check "small-number", planted apart.
    spots = [m for m in _NUMBER.finditer(row.translation) if m[0] != "1"]
    if not spots:
        return None
    spot = rng.choice(spots)
    return _change(row, row.translation[: spot.start()] + row.translation[spot.end() :])


def _add_number(row: Row, rng: random.Random) -> Row | None:
    number = str(rng.randint(13, 98))
    return None if number in row.source else _change(row, f"{row.translation} {number}")


def _swap_shares(row: Row, rng: random.Random) -> Row | None:
    found = list(re.finditer(r"(\d+)(?=[ \u00a0\u202f]?[%٪])", row.translation))
    if row.kind != "spec" or len(found) < 2 or found[0][1] == found[1][1]:
        return None
    one, two = found[0], found[1]
    text = row.translation
    return _change(row, text[: one.start()] + two[1] + text[one.end() : two.start()] + one[1] + text[two.end() :])


def _swap_unit(row: Row, rng: random.Random) -> Row | None:
    return _change(row, _UNIT.sub(lambda m: m[1] + _OTHER_UNIT[m[2]], row.translation, count=1))


def _pounds_to_kilos(row: Row, rng: random.Random) -> Row | None:
    carried = _carry(row, "14 lbs")
    return _change(carried, carried.translation.replace("14 lbs", "14 kg"))


def _lose_unit(row: Row, rng: random.Random) -> Row | None:
    return _change(row, _UNIT.sub("", row.translation, count=1))


def _reorder_dimensions(row: Row, rng: random.Random) -> Row | None:
    return None if "60" in row.source else _change(_carry(row, "60 x 120 cm"), f"{row.translation} 120 x 60 cm")


def _change_currency(row: Row, rng: random.Random) -> Row | None:
    return _change(_carry(row, "$69"), f"{row.translation} 69 €")


def _lose_placeholder(row: Row, rng: random.Random) -> Row | None:
    piece = rng.choice(["{size}", "%1$s", "{{ title }}", "%(name)s", "${price}", "[[link]]"])
    return _change(_carry(row, piece), row.translation)


def _rename_placeholder(row: Row, rng: random.Random) -> Row | None:
    return _change(_carry(row, "{size}"), f"{row.translation} {{talla}}")


def _extra_placeholder(row: Row, rng: random.Random) -> Row | None:
    return _change(row, f"{row.translation} {{name}}")


def _wrap(row: Row) -> Row:
    return replace(row, source=f"<b>{row.source}</b>", translation=f"<b>{row.translation}</b>")


def _lose_tag(row: Row, rng: random.Random) -> Row | None:
    wrapped = _wrap(row)
    return _change(wrapped, wrapped.translation.replace(rng.choice(["<b>", "</b>"]), ""))


def _break_tag(row: Row, rng: random.Random) -> Row | None:
    wrapped = _wrap(row)
    return _change(wrapped, wrapped.translation.replace("<b>", "<b", 1))


def _change_link(row: Row, rng: random.Random) -> Row | None:
    carried = _carry(row, '<a href="/care">i</a>')
    return _change(carried, carried.translation.replace("/care", "/es/care"))


def _unsafe(row: Row, rng: random.Random) -> Row | None:
    piece = rng.choice(["<script>alert(1)</script>", '<img src="x" onerror="a()">', "<a href=javascript:a()>x</a>"])
    return _change(row, f"{row.translation} {piece}")


def _double_entity(row: Row, rng: random.Random) -> Row | None:
    return _change(_carry(row, "&amp;"), f"{row.translation} &amp;amp;")


def _say(*texts: str, around: bool = True) -> Plant:
    def plant(row: Row, rng: random.Random) -> Row | None:
        text = rng.choice(texts)
        return _change(row, text.replace("{}", row.translation) if around else text)

    return plant


def _echo(row: Row, rng: random.Random) -> Row | None:
    # Where the glossary itself keeps the English word, the echo is right.
    if row.kind == "title" or any(r.casefold() == t.term.casefold() for t in row.terms for r in t.renderings):
        return None
    return _change(row, row.source)


def _echo_title(row: Row, rng: random.Random) -> Row | None:
    return (
        _change(row, row.source)
        if row.kind == "title" and row.source.casefold() != row.translation.casefold()
        else None
    )


def _wrong_script(row: Row, rng: random.Random) -> Row | None:
    cyrillic = "Лёгкая куртка, которая не боится дождя"
    japanese = "雨を恐れない軽いジャケットです"
    return _change(row, japanese if row.language.script == "Cyrl" else cyrillic)


def _third_script_word(row: Row, rng: random.Random) -> Row | None:
    words = row.translation.split(" ")
    words.insert(
        rng.randrange(len(words) + 1),
        "դաշտ" if rng.random() < 0.5 else "куртка" if row.language.script != "Cyrl" else "軽量",
    )
    return _change(row, " ".join(words))


def _cut(row: Row, rng: random.Random) -> Row | None:
    if len(row.source) < 60 or row.kind not in ("prose", "list"):
        return None
    return _change(row, row.translation[: int(len(row.translation) * rng.uniform(0.3, 0.65))].rstrip())


def _lose_url(row: Row, rng: random.Random) -> Row | None:
    return _change(_carry(row, "https://ketlmtn.example/care"), row.translation)


def _change_code(row: Row, rng: random.Random) -> Row | None:
    carried = _carry(row, "KM4-20B")
    return _change(carried, carried.translation.replace("KM4-20B", "KN4-20B"))


def _translate_brand(row: Row, rng: random.Random) -> Row | None:
    names = [t.term for t in row.terms if t.do_not_translate and len(t.term) > 4]
    return _change(row, row.translation.replace(names[0], "Solmarca")) if names else None


_LOOK_ALIKE = {"a": "а", "o": "о", "e": "е", "c": "с", "p": "р", "а": "a", "о": "o", "е": "e", "с": "c", "р": "p"}


def _homoglyph(row: Row, rng: random.Random) -> Row | None:
    if row.language.script not in ("Latn", "Cyrl"):
        return None
    spots = [m.start() + 1 for m in re.finditer(r"[^\W\d_][aoecpаоеср][^\W\d_]{2}", row.translation)]
    if not spots:
        return None
    spot = rng.choice(spots)
    return _change(row, row.translation[:spot] + _LOOK_ALIKE[row.translation[spot]] + row.translation[spot + 1 :])


def _mojibake(row: Row, rng: random.Random) -> Row | None:
    try:
        garbled = row.translation.encode().decode("cp1252")
    except UnicodeDecodeError:
        return _change(row, f"{row.translation} MÃ¼tze")
    return _change(row, garbled)


def _replacement(row: Row, rng: random.Random) -> Row | None:
    spot = rng.randrange(len(row.translation))
    return _change(row, f"{row.translation[:spot]}\ufffd{row.translation[spot + 1 :]}")


def _invisible(row: Row, rng: random.Random) -> Row | None:
    spot = rng.randrange(len(row.translation) + 1)
    return _change(row, row.translation[:spot] + rng.choice("\u200b\ufeff\u202e\u2060") + row.translation[spot:])


def _double_space(row: Row, rng: random.Random) -> Row | None:
    return _change(row, row.translation.replace(" ", "  ", 1))


def _outer_space(row: Row, rng: random.Random) -> Row | None:
    return _change(row, rng.choice([f" {row.translation}", f"{row.translation} "]))


def _lose_newline(row: Row, rng: random.Random) -> Row | None:
    return _change(replace(row, source=f"{row.source}\n• A", translation=row.translation), f"{row.translation} • A")


def _lose_bracket(row: Row, rng: random.Random) -> Row | None:
    carried = _carry(row, "(A)")
    return _change(carried, f"{row.translation} (A")


def _stutter(row: Row, rng: random.Random) -> Row | None:
    words = re.findall(r"(?<![\w-])[^\W\d_]{4,}(?![\w-])", row.translation)
    if not words or row.language.script not in ("Latn", "Cyrl"):
        return None
    word = rng.choice(words)
    return _change(row, re.sub(rf"(?<![\w-]){word}(?![\w-])", f"{word} {word}", row.translation, count=1))


def _shout(row: Row, rng: random.Random) -> Row | None:
    if row.kind != "title" or row.language.script not in ("Latn", "Cyrl"):
        return None
    return _change(row, row.translation.upper())


def _other_term(row: Row, rng: random.Random) -> Row | None:
    terms = [t for t in row.terms if t.renderings and not t.do_not_translate]
    present = [t for t in terms for r in t.renderings[:1] if r in row.translation]
    if len(terms) < 3 or not present or row.kind == "option":
        return None
    term = rng.choice(present)
    text = row.translation
    for rendering in term.renderings:
        text = re.sub(re.escape(rendering), "Xx" if row.language.script == "Latn" else "", text, flags=re.IGNORECASE)
    return _change(row, text)


def _other_language(row: Row, rng: random.Random) -> Row | None:
    if row.language.script != "Latn" or row.kind != "prose":
        return None
    texts = {
        "de": "Das ist eine Jacke für alle, die auch bei Regen nicht zu Hause bleiben und dabei trocken werden wollen.",
        "fr": "Une veste pour ceux qui ne restent pas chez eux quand il pleut et qui veulent garder les pieds au sec.",
    }
    english = "A jacket for everybody who does not stay at home in the rain, and who wants to keep dry anyway."
    text = texts["fr" if row.language.tag == "de" else "de"]
    return replace(row, source=english, translation=text, terms=())


def _english_half(row: Row, rng: random.Random) -> Row | None:
    if row.kind != "prose":
        return None
    at = len(row.translation) // 2
    return _change(row, f"{row.translation[:at]}, and this is the part that you will have to read with your own eyes.")


def _english_number(row: Row, rng: random.Random) -> Row | None:
    if row.language.tag in ("ja", "ko", "zh-Hans", "ar") or row.kind != "spec":
        return None
    return _change(row, re.sub(r"(\d),(\d\d?)(?!\d)", r"\1.\2", row.translation, count=1))


def _too_short(row: Row, rng: random.Random) -> Row | None:
    return (
        _change(row, row.translation[: max(3, len(row.translation) // 6)].rstrip()) if len(row.source) >= 40 else None
    )


def _damage(severity: str, name: str, ids: str, plant: Plant) -> Damage:
    return Damage(name, severity, frozenset(ids.split()), plant)


_error, _warning, _info = (partial(_damage, severity) for severity in ("error", "warning", "info"))

_BEFORE = ("Here is the translation: {}", "Sure! Here's your text:\n\n{}", "Translation: {}")
_AFTER = (
    "{}\n\nNote: I kept the brand name.",
    "{} (Let me know if you need changes!)",
    "{} (Note: translated literally)",
)
_REFUSALS = (
    "I'm sorry, but I can't help with that.",
    "As an AI language model, I cannot translate this.",
    "Lo siento, pero no puedo ayudar con eso.",
    "申し訳ありませんが、翻訳できません。",
)
_ERRORS = (
    "Error: 429 Too Many Requests",
    "Internal Server Error",
    "Traceback (most recent call last):",
    "Translation failed",
    "[ERROR] model overloaded",
)

DAMAGES: tuple[Damage, ...] = (
    _error("digits swapped", "numbers codes", _swap_digits),
    _error("digit changed", "numbers codes units", _change_digit),
    _error("number dropped", "numbers codes", _drop_number),
    _error("number added", "numbers", _add_number),
    _error("shares swapped", "numbers", _swap_shares),
    _error("unit swapped", "units", _swap_unit),
    _error("14 lbs → 14 kg", "units", _pounds_to_kilos),
    _error("unit lost", "units", _lose_unit),
    _error("currency changed", "currency", _change_currency),
    _error("placeholder lost", "placeholders", _lose_placeholder),
    _error("placeholder translated", "placeholders", _rename_placeholder),
    _error("placeholder added", "placeholders", _extra_placeholder),
    _error("tag lost", "tags", _lose_tag),
    _error("tag broken", "tags truncated", _break_tag),
    _error("link changed", "tags", _change_link),
    _error("unsafe markup", "unsafe-markup tags", _unsafe),
    _error("talk before", "chatter", _say(*_BEFORE)),
    _error("talk after", "chatter", _say(*_AFTER)),
    _error("code fence", "chatter", _say("```\n{}\n```", "```json\n{}")),
    _error("refusal", "refusal", _say(*_REFUSALS, around=False)),
    _error("error text", "error-text", _say(*_ERRORS, around=False)),
    _error("empty", "empty", _say("", "   ", "—", "null", around=False)),
    _error("source echoed", "untranslated script", _echo),
    _warning("title echoed", "untranslated script same-as-source", _echo_title),
    _error("English part", "untranslated", _english_half),
    _error("wrong script", "script third-script", _wrong_script),
    _error("third-script word", "third-script script", _third_script_word),
    _error("cut off", "truncated numbers", _cut),
    _error("address lost", "urls", _lose_url),
    _error("code changed", "codes numbers", _change_code),
    _error("brand translated", "do-not-translate", _translate_brand),
    _error("look-alike letter", "homoglyphs third-script codes do-not-translate", _homoglyph),
    _error("garbled", "mojibake script", _mojibake),
    _error("replacement character", "mojibake empty", _replacement),
    _warning("measures reordered", "dimension-order numbers", _reorder_dimensions),
    _warning("entity escaped twice", "entities", _double_entity),
    _warning("invisible character", "invisible", _invisible),
    _warning("double space", "spaces", _double_space),
    _warning("outer space", "spaces", _outer_space),
    _warning("line break lost", "line-breaks", _lose_newline),
    _warning("bracket lost", "brackets truncated", _lose_bracket),
    _warning("another word for a term", "glossary", _other_term),
    _warning("another language", "language", _other_language),
    _warning("far too short", "length-ratio truncated numbers", _too_short),
    _warning("English decimals", "number-format", _english_number),
    _info("word repeated", "repeated-word", _stutter),
    _info("all capitals", "capitals", _shout),
)
