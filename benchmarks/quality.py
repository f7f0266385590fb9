"""Measures the checks: false alarms on the shipped translations, damage found, rows checked per second.

python -m benchmarks.quality [--markdown PATH] [--seed N] [--show]
"""

from __future__ import annotations

import argparse
import json
import platform
import random
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from benchmarks.corrupter import DAMAGES, Row
from ketl.catalog import KIND_OF, load_products
from ketl.checks import Finding, Severity, Subject, check_product_options, run_checks
from ketl.glossary import Glossary
from ketl.languages import find_language

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

    `by_check` counts findings by (check id, language tag); the shares are rows with at least one such finding.
    """

    rows: int
    by_check: Counter[tuple[str, str]]
    errors: int
    warning_share: float
    finding_share: float
    listed: list[tuple[Row, Finding]]


def count_false_alarms(rows: Sequence[Row]) -> FalseAlarms:
    """Run every check over rows that are right."""
    by_check: Counter[tuple[str, str]] = Counter()
    listed: list[tuple[Row, Finding]] = []
    errors = warned = found = 0
    for row in rows:
        findings = run_checks(subject_of(row))
        listed += [(row, finding) for finding in findings]
        by_check.update((finding.id, row.language.tag) for finding in findings)
        severities = {finding.severity for finding in findings}
        errors += sum(finding.severity is Severity.ERROR for finding in findings)
        warned += Severity.WARNING in severities
        found += bool(findings)
    return FalseAlarms(
        rows=len(rows),
        by_check=by_check,
        errors=errors,
        warning_share=warned / len(rows),
        finding_share=found / len(rows),
        listed=listed,
    )


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
            findings = run_checks(subject_of(spoilt))
            if damage.severity == "error":
                hit = any(f.severity is Severity.ERROR and f.id in damage.checks for f in findings)
            else:
                hit = any(f.id in damage.checks for f in findings)
            tally.caught += hit
            if not hit:
                missed.append((damage.name, spoilt))
        tallies.append(tally)
    tallies.append(_merged_options(rows))
    return tallies, missed


def _merged_options(rows: Sequence[Row]) -> Recall:
    """Give two colours of one list the same translation, for every pair of neighbours."""
    tally = Recall("options merged", "error")
    for tag in dict.fromkeys(row.language.tag for row in rows):
        options = [(r.source, r.translation) for r in rows if r.kind == "option" and r.language.tag == tag]
        for one, two in pairwise(options):
            tally.planted += 1
            tally.caught += len(check_product_options([one, (two[0], one[1])])) == 2
    return tally


def measure_speed(rows: Sequence[Row], seconds: float = 2.0) -> float:
    """Return rows checked per second on one core, in its own CPU time, each source seen before."""
    done = 0
    started = time.process_time()
    while (passed := time.process_time() - started) < seconds:
        for row in rows:
            run_checks(subject_of(row))
        done += len(rows)
    return done / passed


def _markdown(alarms: FalseAlarms, tallies: Sequence[Recall], speed: float) -> str:
    lines = [
        f"Measured {time.strftime('%Y-%m-%d')}, Python {platform.python_version()}, {platform.machine()}.",
        "",
        "| Measure | Result | Target |",
        "|---|---|---|",
        f"| Right translations checked | {alarms.rows:,} | |",
        f"| Errors raised on them | {alarms.errors} | 0 |",
        f"| Rows with a warning | {alarms.warning_share:.2%} | < 2 % |",
        f"| Rows with any finding | {alarms.finding_share:.2%} | |",
        f"| Rows checked per second, one core | {speed:,.0f} | ≥ 5,000 |",
        "",
        "| Damage planted | Severity | Rows | Caught |",
        "|---|---|---|---|",
        *(f"| {t.name} | {t.severity} | {t.planted:,} | {t.share:.1%} |" for t in tallies),
        "",
        "| False alarms: check | Language | Findings |",
        "|---|---|---|",
        *(f"| {ident} | {tag} | {count} |" for (ident, tag), count in alarms.by_check.most_common()),
    ]
    return "\n".join(lines) + "\n"


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
    table = _markdown(alarms, tallies, measure_speed(rows))
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
