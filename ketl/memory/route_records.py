"""What earlier runs say of the models: pass rate, repairs, seconds and cost by language and field, and a hint."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ketl.language.languages import BY_TAG, language_name
from ketl.provider.models import CHAINS
from ketl.results.route_stats import RouteStats

# Fewer answers than this say nothing: at 40, one standard error of a pass rate of 90 % is 5 points.
ENOUGH_ANSWERS = 40
_BETTER_POINTS = 0.05
_CHEAPER = 0.6


@dataclass(frozen=True, slots=True, kw_only=True)
class RouteRecord:
    """What one model achieved for one language and field kind.

    `pass_rate` is the share of answers without an error at the first try, `repair_share` of those mended by
    asking again; `seconds` and `cost_usd` are means per answer, None without answers.
    """

    language: str
    tag: str
    kind: str
    model: str
    answers: int
    pass_rate: float | None
    repair_share: float | None
    seconds: float | None
    cost_usd: float | None


def records(stats: Iterable[RouteStats]) -> list[RouteRecord]:
    """Return the stored sums as rates and means, most answers first."""
    rows = [
        RouteRecord(
            language=language_name(s.language_tag),
            tag=s.language_tag,
            kind=s.kind,
            model=s.model,
            answers=s.answers,
            pass_rate=_share(s.passed, s.answers),
            repair_share=_share(s.repaired, s.answers),
            seconds=_share(s.seconds_sum, s.answers),
            cost_usd=_share(s.cost_usd, s.answers),
        )
        for s in stats
    ]
    return sorted(rows, key=lambda row: -row.answers)


def suggestions(stats: Sequence[RouteStats]) -> list[str]:
    """Return a sentence for each language that another model of its chain served better; changes nothing.

    Better is a pass rate higher by five points, or as high at less than two thirds of the cost, over at
    least 40 answers each.
    """
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0, 0.0, 0.0])
    for s in stats:
        entry = sums[s.language_tag, s.model]
        entry[0] += s.answers
        entry[1] += s.passed
        entry[2] += s.cost_usd
    hints: list[str] = []
    for tag in sorted({tag for tag, _ in sums}):
        chain = CHAINS.get(BY_TAG[tag].group, ()) if tag in BY_TAG else ()
        known = [m for m in chain if (tag, m) in sums and sums[tag, m][0] >= ENOUGH_ANSWERS]
        if len(known) < 2:
            continue
        first = known[0]
        answers, passed, cost = sums[tag, first]
        rate = passed / answers
        for model in known[1:]:
            other_answers, other_passed, other_cost = sums[tag, model]
            other_rate = other_passed / other_answers
            cheaper = other_cost / other_answers < _CHEAPER * cost / answers
            if other_rate >= rate + _BETTER_POINTS or (other_rate >= rate and cheaper):
                hints.append(
                    f"{language_name(tag)}: {model} passed the checks in {other_rate:.0%} of {other_answers:.0f} "
                    f"answers, {first} in {rate:.0%} of {answers:.0f}"
                    + (", and costs less" if cheaper else "")
                    + ". Try it for this language."
                )
                break
    return hints


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
