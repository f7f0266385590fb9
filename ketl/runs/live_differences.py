"""Where a provider is not what the tables say, and not what the local server is: one sentence for each place."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

from ketl.provider.models import CHAINS, MODELS, Model, model_facts
from ketl.provider.tiers import TIERS
from ketl.runs.live_facts import Fact, Listing
from ketl.runs.live_questions import cheapest

# Clocks of machines that keep the time differ by less; certificates and deadlines do not mind this much.
CLOCK_TOLERANCE_S = 60.0

# A report with a line for each of a gateway's hundred models is read by nobody.
_MOST_NAMED = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One place: what it concerns, what the provider does, what was expected and by whom ("table", "local server").

    `breaks` tells that the program cannot work so.
    """

    about: str
    theirs: str
    ours: str
    against: str = "table"
    breaks: bool = False

    def __str__(self) -> str:
        return f"{self.about}: {self.theirs}; {'our' if self.against == 'table' else 'the'} {self.against}: {self.ours}"


def from_tables(listing: Listing, facts: Mapping[str, Fact]) -> list[Difference]:
    """Return where the models, prices, limits and abilities differ from the tables of models and plans."""
    found = list(_of_list(listing))
    for name in listing.routed:
        model = model_facts(name)
        found += _of_row(model, listing.rows.get(name, {}))
        found += _of_answers(model, facts)
    cheap = cheapest(listing.routed)
    off = facts.get("reasoning off")
    if (
        cheap
        and off
        and off.status == 200
        and model_facts(cheap).reasoning_tokens
        and not off.told.get("reasoning_tokens")
    ):
        found.append(
            Difference(
                about=f"{cheap}, reasoning", theirs="can be switched off (none)", ours="always reasons a little (low)"
            )
        )
    return found


def from_local(facts: Mapping[str, Fact], local: Mapping[str, Fact]) -> list[Difference]:
    """Return where answers to the same questions differ from the local server's, like ones of several models once."""
    grouped: dict[tuple[str, str, str], list[str]] = {}
    for name, fact in facts.items():
        other = local.get(name)
        if other is not None:
            for what, theirs, ours in _between(fact, other):
                grouped.setdefault((what, theirs, ours), []).append(name)
    return [
        Difference(about=f"{_joined(names)}, {what}", theirs=theirs, ours=ours, against="local server")
        for (what, theirs, ours), names in grouped.items()
    ]


def clock_off_s(date: str | None, now: datetime.datetime) -> float | None:
    """Return the seconds by which this machine's clock is ahead of a Date header's, None when there is none to read."""
    try:
        said = parsedate_to_datetime(date or "")
    except (TypeError, ValueError, OverflowError):
        return None
    if said.tzinfo is None:
        said = said.replace(tzinfo=datetime.UTC)
    # The header has whole seconds, cut off: the middle of its second is the best guess.
    return (now - said).total_seconds() - 0.5


def plan_named_by(headers: Mapping[str, str]) -> str | None:
    """Return the plan whose figures the limit headers of an answer show, None when no plan has them."""
    shown = headers.get("x-ratelimit-limit-requests"), headers.get("x-ratelimit-limit-tokens")
    for name, limits in TIERS.items():
        if shown == (_figure(limits.rpd), _figure(limits.tpm)):
            return name
    return None


def _of_list(listing: Listing) -> Iterator[Difference]:
    if not listing.rows:
        yield Difference(
            about="the model list",
            theirs=f"none that can be read (status {listing.fact.status})",
            ours="one row a model; the models of the table were asked instead",
        )
        return
    alive = {name for name, row in listing.rows.items() if row["active"]}
    text = listing.text_models
    for group, chain in CHAINS.items():
        if not alive & set(chain):
            yield Difference(
                about=f"models for {group} languages",
                theirs=f"none of our chain; it has {_few(text) or 'no model for text'}",
                ours=" → ".join(chain),
                breaks=not text,
            )
    for model in MODELS.values():
        if model.retired_on is None and model.id not in alive:
            yield Difference(about=model.id, theirs="not listed", ours="living")
    unknown = [name for name in text if name not in MODELS]
    if len(unknown) > _MOST_NAMED:
        yield Difference(about="the model list", theirs=f"{len(unknown)} more: {_few(unknown)}", ours="unknown")
    for name in unknown if len(unknown) <= _MOST_NAMED else ():
        row = listing.rows[name]
        yield Difference(
            about=name,
            theirs=f"listed, context {_said(row['context_tokens'])}, ${_said(row['prompt_usd'])} and "
            f"${_said(row['completion_usd'])} a million tokens",
            ours="unknown",
        )


def _of_row(model: Model, row: Mapping[str, Any]) -> Iterator[Difference]:
    features = row.get("features")
    schema = None if features is None else "structured_outputs" in features
    for what, theirs, ours in (
        ("context in tokens", row.get("context_tokens"), model.context_tokens),
        ("longest completion in tokens", row.get("max_completion_tokens"), model.max_completion_tokens),
        ("US dollars a million prompt tokens", row.get("prompt_usd"), model.prompt_usd),
        ("US dollars a million completion tokens", row.get("completion_usd"), model.completion_usd),
        ("strict schemas, by the list", schema, model.json_schema),
    ):
        if theirs is not None and theirs != ours:
            yield Difference(about=f"{model.id}, {what}", theirs=_said(theirs), ours=_said(ours))


def _of_answers(model: Model, facts: Mapping[str, Fact]) -> Iterator[Difference]:
    answer = facts.get(f"answer of {model.id}")
    if answer is not None:
        if answer.status != 200:
            about = f"{model.id}, an answer with {dict(model.reasoning) or 'no reasoning switch'}"
            yield Difference(about=about, theirs=_ending(answer), ours="given")
        elif (answer.told.get("reasoning_tokens") or 0) > 3 * model.reasoning_tokens:
            used = f"{answer.told['reasoning_tokens']} tokens for nine letters"
            yield Difference(about=f"{model.id}, hidden reasoning", theirs=used, ours=f"about {model.reasoning_tokens}")
        if answer.headers and plan_named_by(answer.headers) is None:
            yield Difference(
                about=f"{model.id}, limits (requests a day, tokens a minute)",
                theirs=_limits_shown(answer),
                ours="; ".join(
                    f"{name} {_said(limits.rpd)}, {_said(limits.tpm)}"
                    for name, limits in TIERS.items()
                    if limits.tpm is not None
                ),
            )
    schema, plain = facts.get(f"schema of {model.id}"), facts.get(f"JSON of {model.id}")
    for fact, what, expected in (
        (schema, "strict schemas", model.json_schema),
        (plain, "JSON mode", model.json_object),
    ):
        if fact is None:
            continue
        if (fact.status == 200) is not expected:
            yield Difference(about=f"{model.id}, {what}", theirs=_ending(fact), ours="taken" if expected else "refused")
        elif expected and fact.told.get("keys_kept") is not True:
            yield Difference(about=f"{model.id}, {what}", theirs="taken and not kept", ours="kept")


def _between(fact: Fact, local: Fact) -> Iterator[tuple[str, str, str]]:
    """Yield what, the provider's and the local server's, for each thing in which two answers differ."""
    if fact.status != local.status:
        yield "status", _ending(fact), _ending(local)
    elif fact.read_as != local.read_as:
        yield "read by us as", _said(fact.read_as), _said(local.read_as)
    elif fact.status is not None and fact.status >= 400:
        words = [" / ".join(f.error.get(n, "–") for n in ("type", "code")) for f in (fact, local)]
        if words[0] != words[1]:
            yield "type and code of the error", words[0], words[1]
    if fact.status == local.status == 200:
        for what, theirs, ours in (
            ("fields of the usage", fact.usage, local.usage),
            ("fields of the message", fact.message, local.message),
            ("limit headers", tuple(fact.headers), tuple(local.headers)),
            ("object", (fact.told.get("object"),), (local.told.get("object"),)),
        ):
            if theirs != ours:
                more, fewer = [n for n in theirs if n not in ours], [n for n in ours if n not in theirs]
                yield what, f"has {_joined(more) or 'nothing more'}", f"has {_joined(fewer) or 'nothing more'}"


def _ending(fact: Fact) -> str:
    if fact.status is None:
        return f"no answer ({fact.error.get('message', '')})"
    if fact.status < 400:
        return f"{fact.status}"
    words = [fact.error.get(name) for name in ("code", "message")]
    return f"{fact.status}, {fact.read_as}: " + " – ".join(word for word in words if word)


def _limits_shown(fact: Fact) -> str:
    shown = [fact.headers.get(f"x-ratelimit-limit-{kind}") for kind in ("requests", "tokens")]
    return ", ".join(_said(figure) for figure in shown)


def _few(names: Sequence[str]) -> str:
    return _joined([*names[:_MOST_NAMED], *(["…"] if len(names) > _MOST_NAMED else [])])


def _joined(names: Sequence[object]) -> str:
    return ", ".join(_said(name) for name in names)


def _figure(limit: float | None) -> str | None:
    return None if limit is None else f"{limit:.0f}"


def _said(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "not said" if value is None else f"{value:,}" if isinstance(value, int) else str(value)
