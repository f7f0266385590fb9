"""Measures the checks: false alarms on the shipped translations, damage found, rows checked per second.

python -m benchmarks.quality [--markdown PATH] [--seed N] [--show]
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from benchmarks.corrupter import DAMAGES, Damage, Row
from ketl.catalog.products import KIND_OF
from ketl.checks import (
    REGISTRY,
    Finding,
    Severity,
    Subject,
    autofix,
    check_product_options,
    has_error,
    run_checks,
)
from ketl.checks.subject import source_facts
from ketl.formats.catalog_files import load_products
from ketl.language.glossary import Glossary
from ketl.language.languages import find_language

TRANSLATIONS = Path(__file__).resolve().parent.parent / "data" / "translations"


def shipped_rows() -> Iterator[Row]:
    """Yield every shipped translation as a row, with the glossary terms that occur in its source."""
    glossary = Glossary.load(None)
    products = load_products()
    for file in sorted(TRANSLATIONS.glob("*.json")):
        language = find_language(file.stem)
        shipped = json.loads(file.read_text("utf-8"))
        pairs: dict[tuple[str, str], str] = {}
        for product in products:
            for name, value in product.texts.items():
                if isinstance(value, str):
                    pairs[KIND_OF[name], value] = shipped["products"][product.id][name]
                else:
                    pairs |= {("option", color): shipped["colors"][color] for color in value}
        for (kind, source), translation in pairs.items():
            yield Row(
                source=source,
                translation=translation,
                language=language,
                kind=kind,
                terms=glossary.occurring(source, language),
            )


def subject_of(row: Row) -> Subject:
    """Return the subject that the engine would check for this row."""
    return Subject(row.source, row.translation, language=row.language, kind=row.kind, terms=row.terms)


@dataclass(frozen=True, slots=True, kw_only=True)
class FalseAlarms:
    """What the checks say of translations that are right.

    `rows`, `errors` (findings) and `warned` (rows with a warning) count by language name; `listed` has every
    finding with its row.
    """

    rows: Counter[str]
    errors: Counter[str]
    warned: Counter[str]
    listed: list[tuple[Row, Finding]]

    @property
    def warning_share(self) -> float:
        """Share of the rows that have a warning, 0 to 1."""
        return self.warned.total() / self.rows.total()


def count_false_alarms(rows: Sequence[Row]) -> FalseAlarms:
    """Run every check over rows that are right."""
    alarms = FalseAlarms(rows=Counter(), errors=Counter(), warned=Counter(), listed=[])
    for row in rows:
        findings = run_checks(subject_of(row))
        alarms.listed.extend((row, finding) for finding in findings)
        language = row.language.name
        alarms.rows[language] += 1
        alarms.errors[language] += sum(finding.severity is Severity.ERROR for finding in findings)
        alarms.warned[language] += any(finding.severity is Severity.WARNING for finding in findings)
    return alarms


@dataclass(slots=True)
class Recall:
    """How often one kind of damage was planted, and how often one of its checks spoke."""

    name: str
    severity: str
    planted: int = 0
    caught: int = 0

    @property
    def share(self) -> float:
        """Share of the planted damage that was caught, 0 to 1."""
        return self.caught / self.planted if self.planted else 0.0


def measure_recall(rows: Sequence[Row], seed: int) -> tuple[list[Recall], list[tuple[str, Row]]]:
    """Plant every kind of damage into every row that can carry it; return the tallies and what was missed."""
    tallies: list[Recall] = []
    missed: list[tuple[str, Row]] = []
    for damage in DAMAGES:
        rng = random.Random(f"{seed} {damage.name}")
        tally = Recall(damage.name, damage.severity)
        for row in rows:
            spoilt = damage.plant(row, rng)
            if spoilt is None:
                continue
            tally.planted += 1
            hit = _is_caught(damage, spoilt) and _stays_caught(damage, row, spoilt)
            tally.caught += hit
            if not hit:
                missed.append((damage.name, spoilt))
        tallies.append(tally)
    tallies.append(_merged_options(rows))
    return tallies, missed


def _is_caught(damage: Damage, row: Row) -> bool:
    return any(
        f.id in damage.checks and (damage.severity != "error" or f.severity is Severity.ERROR)
        for f in run_checks(subject_of(row))
    )


def _stays_caught(damage: Damage, row: Row, spoilt: Row) -> bool:
    """Tell whether no error hides behind the automatic fixes: they mend it, or it is still found."""
    if damage.severity != "error":
        return True
    mended = autofix(spoilt.translation, spoilt.language, spoilt.source)
    return mended == row.translation or has_error(run_checks(subject_of(replace(spoilt, translation=mended))))


def _merged_options(rows: Sequence[Row]) -> Recall:
    """Give two colours of one list the same translation, for every pair of neighbours."""
    tally = Recall("options merged", "error")
    for tag in dict.fromkeys(row.language.tag for row in rows):
        options = [(r.source, r.translation) for r in rows if r.kind == "option" and r.language.tag == tag]
        for one, two in pairwise(options):
            tally.planted += 1
            tally.caught += len(check_product_options([one, (two[0], one[1])])) == 2
    return tally


def measure_speed(rows: Sequence[Row], *, rounds: int = 12, new_sources: bool = False) -> float:
    """Return rows mended and checked per second of one core's CPU time, the best of some rounds.

    With `new_sources` every row's English is read anew, as in a catalogue translated to one language only;
    otherwise it is known from another language.
    """
    best = float("inf")
    for _ in range(rounds):
        started = time.process_time()
        for row in rows:
            if new_sources:
                source_facts.cache_clear()
            mended = autofix(row.translation, row.language, row.source)
            run_checks(Subject(row.source, mended, language=row.language, kind=row.kind, terms=row.terms))
        best = min(best, time.process_time() - started)
    return len(rows) / best


def _markdown(alarms: FalseAlarms, tallies: Sequence[Recall], speed: float, speed_new: float) -> str:
    rows = alarms.rows.total()
    flawless = [tally.name for tally in tallies if tally.caught == tally.planted]
    weaker = sorted((tally for tally in tallies if tally.caught < tally.planted), key=lambda tally: tally.share)
    lines = [
        "# What the checks find",
        "",
        f"Measured {time.strftime('%Y-%m-%d')} on {os.cpu_count()} cores {platform.machine()}, "
        f"Python {platform.python_version()}: `python -m benchmarks.quality --markdown docs/quality.md`",
        "",
        "| Measure | Result | Target |",
        "|---|---:|---:|",
        f"| Right translations checked | {rows:,} in {len(alarms.rows)} languages | |",
        f"| Errors raised on them | {alarms.errors.total()} | 0 |",
        f"| Rows with a warning | {alarms.warning_share:.2%} | < 2 % |",
        *(_recall_line(tallies, severity, goal) for severity, goal in (("error", "≥ 99 %"), ("warning", "≥ 90 %"))),
        f"| Rows a second, one core, {len(REGISTRY)} checks and fixes | {speed:,.0f} | ≥ 5,000 |",
        f"| … when no English text was seen before | {speed_new:,.0f} | ≥ 5,000 |",
        "",
        f"Of {len(tallies)} kinds of damage, {len(flawless)} were caught every time: {', '.join(flawless)}.",
        "",
        "| Damage not always caught | Severity | Planted | Caught |",
        "|---|---|---:|---:|",
        *(f"| {t.name} | {t.severity} | {t.planted:,} | {t.share:.1%} |" for t in weaker),
        "",
        "| False alarms by language | Rows | Errors | Rows with a warning |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {n:,} | {alarms.errors[name]} | {alarms.warned[name]} |" for name, n in alarms.rows.items()),
    ]
    return "\n".join(lines) + "\n"


def _recall_line(tallies: Sequence[Recall], severity: str, goal: str) -> str:
    planted = sum(tally.planted for tally in tallies if tally.severity == severity)
    caught = sum(tally.caught for tally in tallies if tally.severity == severity)
    kinds = sum(tally.severity == severity for tally in tallies)
    return f"| Planted {severity}s caught, {kinds} kinds | {caught / planted:.2%} of {planted:,} | {goal} |"


def main(argv: Sequence[str] | None = None) -> int:
    """Run the bench; print its tables as Markdown, and write them to --markdown PATH when given."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--markdown", type=Path, help="also write the tables to this file")
    parser.add_argument("--seed", type=int, default=7, help="seed of the corrupter")
    parser.add_argument("--show", action="store_true", help="list every false alarm and five misses of each kind")
    options = parser.parse_args(argv)
    rows = list(shipped_rows())
    alarms = count_false_alarms(rows)
    tallies, missed = measure_recall(rows, options.seed)
    table = _markdown(alarms, tallies, measure_speed(rows), measure_speed(rows, new_sources=True))
    print(table)
    if options.show:
        for row, finding in alarms.listed:
            print(f"{row.language.tag} {row.kind} {finding.id}: {finding.message}")
            print(f"    {row.source}\n    {row.translation}")
        shown: Counter[str] = Counter()
        for name, row in missed:
            shown[name] += 1
            if shown[name] <= 5:
                print(f"MISSED {name} {row.language.tag} {row.kind}\n    {row.source}\n    {row.translation}")
    if options.markdown:
        options.markdown.write_text(table, "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
