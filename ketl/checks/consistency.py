"""Checks across cells: option lists, equal texts of a run, and the one language that lost something."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ketl.checks.base import Finding, Severity, has_error
from ketl.checks.numbers import is_small, match_numbers
from ketl.checks.subject import Subject
from ketl.language.languages import Language

# Labels of the findings of this module, as the registry has them for checks of one cell.
LABELS: Mapping[str, str] = {
    "option-collision": "Two options of one product have the same translation",
    "inconsistent": "One text has several translations",
    "reused": "One translation stands for different texts",
    "outlier": "Only this language lost something",
}


def _fold(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .,;:!?")


def _same_word(one: str, other: str) -> bool:
    """Tell whether two English options are spellings of one: Grey and Gray, Shoe and Shoes."""
    first, second = (
        _fold(text).replace("gray", "grey").replace("colour", "color").rstrip("s") for text in (one, other)
    )
    return first == second


def check_product_options(options: Sequence[tuple[str, str]]) -> dict[int, Finding]:
    """Return a finding by position for options of one product and language whose translations collide.

    `options` holds (English, translation) in the order of the list. Different options with one translation
    make a shop merge two variants, so this is an error.
    """
    by_target: dict[str, list[int]] = {}
    for position, (_, target) in enumerate(options):
        if target.strip():
            by_target.setdefault(_fold(target), []).append(position)
    findings: dict[int, Finding] = {}
    for positions in by_target.values():
        for position in positions:
            source = options[position][0]
            other = next((options[p][0] for p in positions if not _same_word(options[p][0], source)), None)
            if other is not None:
                findings[position] = Finding(
                    "option-collision",
                    Severity.ERROR,
                    f"“{source}” and “{other}” are both “{options[position][1]}”: "
                    "the shop could not tell the variants apart.",
                )
    return findings


@dataclass(frozen=True, slots=True)
class Cell:
    """One translated text of a run: its English, its translation, its language tag and field kind."""

    source: str
    translation: str
    language_tag: str
    kind: str


def check_run(cells: Iterable[Cell]) -> Iterator[tuple[int, Finding]]:
    """Yield (position of the cell, finding) for texts that are translated differently or share a translation.

    Equal source, kind and language with several translations (each later one that differs from the first);
    for options, one translation for different sources. Holds one short string per distinct text of the run.
    """
    first: dict[tuple[str, str, str], str] = {}
    source_of: dict[tuple[str, str], str] = {}
    for position, cell in enumerate(cells):
        if not cell.translation.strip():
            continue
        source, target = _fold(cell.source), _fold(cell.translation)
        known = first.setdefault((source, cell.kind, cell.language_tag), cell.translation)
        if _fold(known) != target:
            yield (
                position,
                Finding(
                    "inconsistent", Severity.WARNING, f"“{cell.source}” is also translated as “{known}” in this run."
                ),
            )
        if cell.kind == "option":
            other = source_of.setdefault((cell.language_tag, target), cell.source)
            if not _same_word(other, cell.source):
                yield (
                    position,
                    Finding("reused", Severity.WARNING, f"“{cell.translation}” also stands for “{other}” in this run."),
                )


def find_outlier(
    source: str, kind: str, translations: Mapping[str, tuple[Language, str, Sequence[Finding]]]
) -> tuple[str, Finding] | None:
    """Return (language tag, finding) for the one language that lost something which all others kept.

    `translations` maps tags to (language, text, its findings) for one unit; four languages are needed to
    call one the odd one out. Three things are compared: numbers of the source, error findings, and length
    against what is usual for the language.
    """
    cells = {tag: cell for tag, cell in translations.items() if cell[1].strip()}
    if len(cells) < 4:
        return None
    lost = {
        tag: [
            quantity.text
            for quantity in match_numbers(Subject(source, text, language=language, kind=kind))[0]
            if not is_small(quantity)
        ]
        for tag, (language, text, _) in cells.items()
    }
    odd = [tag for tag, numbers in lost.items() if numbers]
    if len(odd) == 1:
        return odd[0], _outlier(
            f"{', '.join(lost[odd[0]])} is missing here, the other {len(cells) - 1} languages have it."
        )
    odd = [tag for tag, (_, _, findings) in cells.items() if has_error(findings)]
    if len(odd) == 1:
        return odd[0], _outlier(f"The other {len(cells) - 1} languages have no error in this text.")
    if len(source) < 40:
        return None
    shares = {tag: len(text) / (len(source) * language.expansion) for tag, (language, text, _) in cells.items()}
    usual = sorted(shares.values())[len(shares) // 2]
    odd = [tag for tag, share in shares.items() if share < usual * 0.6]
    if len(odd) == 1:
        return odd[0], _outlier("The text is much shorter here than in the other languages: a part may be missing.")
    return None


def _outlier(message: str) -> Finding:
    return Finding("outlier", Severity.INFO, message)
