"""What is done when a run has ended: the look across cells, the gain taken apart, and what is kept for later."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from ketl._batches import batches
from ketl.catalog.products import KIND_OF
from ketl.catalog.units import Segment, cut_texts
from ketl.checks.base import Finding, has_error
from ketl.memory.memory import Memory, Remembered
from ketl.planning.plan import RunPlan
from ketl.provider.lane import Lane
from ketl.results.across import MOST_COMPARED, cross_check
from ketl.results.gain import Step, take_apart
from ketl.results.outcome import Status
from ketl.results.rows import UnitKey, rows_of
from ketl.results.tally import Tally
from ketl.runs.outcome_log import Outcomes
from ketl.runs.selection import Selection

_NOTED_AT_ONCE = 2_000
# What a request's answer takes beside its text: the key of one segment and the braces, in tokens.
_FRAME_TOKENS = 11


def gain(
    selection: Selection,
    plan: RunPlan,
    lanes: Mapping[str, Lane],
    tally: Tally,
    makespan_s: float,
    baseline_s: float,
) -> dict[str, Step]:
    """Take the run's time apart with the lanes' learned service times, scaled to what was observed.

    `baseline_s` is the time of the requests as packed, one after another.
    """
    census = selection.census
    textbook = distinct = 0.0
    for language in plan.languages:
        lane = lanes[plan.routes[language.group].chain[0]]
        rate = language.expansion / language.chars_per_token
        fixed = lane.times.predict(0.0)
        slope = lane.times.predict(1.0) - fixed
        textbook += census.texts * (fixed + slope * _FRAME_TOKENS) + slope * rate * census.all_characters
        distinct += census.distinct * (fixed + slope * _FRAME_TOKENS) + slope * rate * census.characters
    sent = distinct * (1.0 - tally.from_memory / plan.segments)
    packed = tally.predicted_service_s
    if set(plan.pack_sizes.values()) == {1} and sent > 0.0:
        # Nothing was packed, so that step must not carry the error of the estimate.
        textbook, distinct, sent = (time * packed / sent for time in (textbook, distinct, sent))
    scale = baseline_s / packed if packed > 0 else 1.0
    return take_apart(textbook * scale, distinct * scale, sent * scale, baseline_s, max(makespan_s, 1e-9))


def remember(memory: Memory, selection: Selection, outcomes: Outcomes, run_id: str) -> None:
    """Keep the clean translations of a run, and note which text every unit has now.

    The notes are what later tells that a unit's English has changed.
    """
    memory.remember(_clean(selection, outcomes, run_id))
    texts = (text for product in selection.catalog for text in cut_texts(product, selection.fields))
    for batch in batches(texts, _NOTED_AT_ONCE):
        for language in selection.languages:
            memory.note_units(batch, language.tag)


def _clean(selection: Selection, outcomes: Outcomes, run_id: str) -> Iterator[Remembered]:
    brief = selection.brief
    seen: set[tuple[bytes, str]] = set()
    for product in selection.catalog:
        texts = list(cut_texts(product, selection.fields))
        for language in selection.languages:
            found = outcomes.find([(text.key, language.tag) for text in texts])
            for text in texts:
                outcome = found.get((text.key, language.tag))
                if outcome is None or outcome.from_memory or outcome.status is not Status.TRANSLATED:
                    continue
                # What a check of severity error doubts must be seen by a person before it is used again.
                if (text.key, language.tag) in seen or not outcome.model or has_error(outcome.findings):
                    continue
                seen.add((text.key, language.tag))
                segment = Segment(text.key, text.kind, text.source, language)
                yield Remembered(
                    key=text.key,
                    language_tag=language.tag,
                    kind=text.kind,
                    source=text.source,
                    translation=outcome.text,
                    fingerprint=brief.fingerprint(brief.prepare(segment)),
                    model=outcome.model,
                    run_id=run_id,
                    findings=outcome.findings,
                    product_id=product.id,
                    field=text.field,
                    item=text.item,
                )


def look_across(selection: Selection, outcomes: Outcomes, plan: RunPlan) -> dict[UnitKey, tuple[Finding, ...]]:
    """Return the findings that need more than one cell, by unit."""
    rows = rows_of(selection.catalog, selection.fields, selection.languages, outcomes.find)
    by_tag = {language.tag: language for language in selection.languages}
    return cross_check(rows, by_tag, KIND_OF, across=plan.units <= MOST_COMPARED)
