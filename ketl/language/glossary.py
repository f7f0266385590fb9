"""Terms with a fixed rendering, a forbidden one, or none (brand and product names)."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import astuple, dataclass
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from ketl._shipped import shipped
from ketl.errors import SelectionError, SettingsError
from ketl.language.languages import Language, find_language

DEFAULT_GLOSSARY = shipped("data", "glossary.csv")

COLUMNS = ("term", "language", "rendering", "do_not_translate", "case_sensitive", "part_of_speech", "note")
_OPTIONAL = ("forbidden",)

_WORD = re.compile(r"\w+")
_YES = frozenset({"yes", "true", "1", "y", "x"})
_NO = frozenset({"no", "false", "0", "n", ""})


@dataclass(frozen=True, slots=True)
class Term:
    """One term of the glossary, in one language or in all.

    `renderings` are what may stand for it, the preferred one first; the others can be inflected forms or
    stems. A term that is `do_not_translate` stays as it is. `forbidden` are words that must not stand for it.
    `language_tag` None means every language.
    """

    term: str
    renderings: tuple[str, ...] = ()
    do_not_translate: bool = False
    forbidden: tuple[str, ...] = ()
    case_sensitive: bool = False
    language_tag: str | None = None
    part_of_speech: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class _Entry:
    """A term as it is looked for: `pattern` matches it `offset` characters before its first word."""

    term: Term
    offset: int
    pattern: re.Pattern[str]


class Glossary:
    """A set of terms that can be looked up in texts.

    `version` changes with every change of content, whatever the order of the lines.
    """

    def __init__(self, terms: Iterable[Term] = ()) -> None:
        self.terms: tuple[Term, ...] = tuple(terms)
        digest = blake2b(digest_size=6)
        for line in sorted(repr(astuple(term)) for term in self.terms):
            digest.update(line.encode("utf-8", "replace"))
        self.version = digest.hexdigest()
        self._indexes: dict[str | None, dict[str, list[_Entry]]] = {}
        self._protected = _index(t for t in self.terms if t.do_not_translate and t.language_tag is None)

    @classmethod
    def load(cls, path: str | Path | None = None) -> Glossary:
        """Return the glossary in a CSV file: the shipped one for None, an empty one for "none".

        Raises SettingsError, naming the line, when the file is missing or not a glossary.
        """
        if isinstance(path, str) and path.strip().casefold() == "none":
            return cls()
        file = Path(path) if path is not None else DEFAULT_GLOSSARY
        try:
            text = file.read_bytes().decode("utf-8-sig")
        except OSError as error:
            raise SettingsError(
                f"The glossary {file} cannot be read ({error.strerror}). Check the path, or give “none”."
            ) from error
        except UnicodeDecodeError as error:
            raise SettingsError(f"The glossary {file.name} is not UTF-8 text. Save it as “CSV UTF-8”.") from error
        return cls(_read(text, file.name))

    def occurring(self, source: str, language: Language | str) -> tuple[Term, ...]:
        """Return the terms that occur in `source` and concern `language`, each once, in order of occurrence.

        Where terms overlap the longest counts. English plurals of a term count as the term. A regional
        language also uses the terms of its base (Mexican Spanish those of Spanish), its own first.
        """
        tag = language if isinstance(language, str) else language.tag
        index = self._indexes.get(tag)
        if index is None:
            index = self._indexes[tag] = _index(self._concerning(tag))
        if not index or index.keys().isdisjoint(_words(source)):
            return ()
        return tuple(dict.fromkeys([entry.term for entry, _ in _find(index, source)]))

    def protected(self, source: str) -> tuple[str, ...]:
        """Return the names in `source` that no language translates, as they are written there."""
        return tuple(dict.fromkeys(found for _, found in _find(self._protected, source)))

    def _concerning(self, tag: str) -> list[Term]:
        own = [term for term in self.terms if term.language_tag in (None, tag)]
        base = tag.partition("-")[0]
        if base == tag:
            return own
        said = {term.term.casefold() for term in own}
        return own + [t for t in self.terms if t.language_tag == base and t.term.casefold() not in said]


def _index(terms: Iterable[Term]) -> dict[str, list[_Entry]]:
    """Return entries by the first word of each form, longest first: one look-up a word, whatever the size."""
    index: dict[str, list[_Entry]] = {}
    for term in terms:
        forms = [term.term] if term.case_sensitive or term.do_not_translate else [term.term, *_plurals(term.term)]
        # Longest first, as the pattern stops at the first form that fits.
        words = "|".join(r"\s+".join(map(re.escape, form.split())) for form in sorted(forms, key=len, reverse=True))
        pattern = re.compile(rf"(?<!\w)(?:{words})(?!\w)", 0 if term.case_sensitive else re.IGNORECASE)
        for form in forms:
            first = _WORD.search(form)
            if first is not None:
                entries = index.setdefault(first.group().casefold(), [])
                entries.append(_Entry(term, first.start(), pattern))
    for entries in index.values():
        entries.sort(key=lambda entry: -len(entry.term.term))
    return index


def _find(index: dict[str, list[_Entry]], source: str) -> Iterator[tuple[_Entry, str]]:
    end = 0
    for word in _WORD.finditer(source):
        if word.start() < end:
            continue
        longest = 0
        for entry in index.get(word.group().casefold(), ()):
            start = word.start() - entry.offset
            match = entry.pattern.match(source, start) if start >= 0 else None
            # Two senses of one term are both told; a shorter term inside a longer one is not.
            if match is not None and len(match.group()) >= longest:
                longest = len(match.group())
                end = match.end()
                yield entry, match.group()


@lru_cache(maxsize=4096)
def _words(source: str) -> frozenset[str]:
    """Return the words of a text in small letters; the same text comes once for every language."""
    return frozenset(map(str.casefold, _WORD.findall(source)))


def _plurals(term: str) -> list[str]:
    """Return the regular English plural of a term's last word, if it can have one."""
    last = term[-1:].casefold()
    if not last.isascii() or not last.isalpha():
        return []
    if last == "y" and term[-2:-1].casefold() not in "aeiou":
        return [term[:-1] + "ies"]
    if last in "sxz" or term[-2:].casefold() in ("ch", "sh"):
        return [term + "es"]
    return [term + "s"]


def _read(text: str, name: str) -> Iterator[Term]:
    reader = csv.reader(io.StringIO(text, newline=""))
    seen: dict[tuple[str, str | None, str], int] = {}
    try:
        header = [cell.strip().casefold() for cell in next(reader, [])]
        missing = [column for column in COLUMNS if column not in header]
        unknown = [column for column in header if column not in (*COLUMNS, *_OPTIONAL)]
        if missing or unknown:
            fault = f"has no column “{missing[0]}”" if missing else f"has an unknown column “{unknown[0]}”"
            raise SettingsError(
                f"The glossary {name} {fault}. Its first line must name the columns "
                f"{', '.join(COLUMNS)}, and may name {_OPTIONAL[0]}."
            )
        for cells in reader:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"The glossary {name}, line {reader.line_num}"
            if len(cells) != len(header):
                raise SettingsError(
                    f"{where}, has {len(cells)} columns instead of {len(header)}. Quote a text that has a comma."
                )
            term = _term({column: cell.strip() for column, cell in zip(header, cells, strict=True)}, where)
            key = (term.term if term.case_sensitive else term.term.casefold(), term.language_tag, term.part_of_speech)
            if key in seen:
                raise SettingsError(f"{where}, repeats “{term.term}” of line {seen[key]}. Keep one of them.")
            seen[key] = reader.line_num
            yield term
    except csv.Error as error:
        raise SettingsError(f"The glossary {name}, line {reader.line_num}, is not valid CSV ({error}).") from error


def _term(cells: dict[str, str], where: str) -> Term:
    term = cells["term"]
    if not _WORD.search(term):
        raise SettingsError(f"{where}, has no term. Write the English term into the first column.")
    tag = None
    if cells["language"]:
        try:
            tag = find_language(cells["language"]).tag
        except SelectionError as error:
            raise SettingsError(f"{where}: {error}") from error
    keep = _yes(cells["do_not_translate"], "do_not_translate", where)
    renderings = _alternatives(cells["rendering"])
    forbidden = _alternatives(cells.get("forbidden", ""))
    if not (keep or renderings or forbidden):
        raise SettingsError(f"{where}, gives “{term}” neither a rendering nor “yes” under do_not_translate.")
    if renderings and tag is None:
        raise SettingsError(f"{where}, gives “{term}” a rendering without a language. Name the language.")
    return Term(
        term,
        renderings,
        keep,
        forbidden,
        _yes(cells["case_sensitive"], "case_sensitive", where),
        tag,
        cells["part_of_speech"],
        cells["note"],
    )


def _alternatives(cell: str) -> tuple[str, ...]:
    return tuple(part for part in (piece.strip() for piece in cell.split("|")) if part)


def _yes(cell: str, column: str, where: str) -> bool:
    word = cell.casefold()
    if word not in _YES | _NO:
        raise SettingsError(f"{where}: {column} says “{cell}”. Write yes or no.")
    return word in _YES
