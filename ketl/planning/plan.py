"""Counts, packs, routes, prices and times a run before it starts; sends nothing. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ketl._figures import counted, dollars, duration
from ketl.errors import GoalError, SettingsError
from ketl.language.languages import Language
from ketl.planning.census import Census
from ketl.planning.forecast import Forecast, Load, forecast
from ketl.planning.packing import MAX_PACK_SEGMENTS, count_packs
from ketl.planning.routing import Route
from ketl.prompts.tokens import answer_tokens, prompt_tokens
from ketl.provider.lane import Lane

PACK_SIZES = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, MAX_PACK_SEGMENTS)
_TIE_SHARE = 0.05
_TIE_S = 0.2
_SPREAD = 1.25  # the upper end of the cost range: retries, repairs and longer answers than expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Goals:
    """What a run must keep to: seconds from start to end, and US dollars; None: no such goal."""

    deadline_s: float | None = None
    max_cost_usd: float | None = None


NO_GOALS = Goals()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunPlan:
    """What a run will do: counts, packs, routes, price, time, and the reasons in words.

    `pack_sizes` are segments per request by group; `serving` how many models of a group's chain serve side
    by side; `cost_usd` is a range (None: a model's price is unknown); `sequential_s` the predicted time of
    the same requests one after another; `limit_note` says which limit binds, in words.
    """

    products: int
    languages: tuple[Language, ...]
    units: int
    segments: int
    from_memory: int
    requests: int
    pack_sizes: Mapping[str, int]
    serving: Mapping[str, int]
    routes: Mapping[str, Route]
    prompt_tokens: int
    completion_tokens: int
    cost_usd: tuple[float, float] | None
    predicted_s: float
    bound_s: float
    sequential_s: float
    limit_note: str
    notes: tuple[str, ...]


def make_plan(
    census: Census,
    languages: Sequence[Language],
    routes: Mapping[str, Route],
    lanes: Mapping[str, Lane],
    now: float,
    *,
    pack: int | None = None,
    goals: Goals = NO_GOALS,
    from_memory: int = 0,
) -> RunPlan:
    """Return the plan that finishes soonest under the limits, the cheaper one where times are alike.

    `pack` fixes the segments per request (None: choose). Raises GoalError when the goals cannot be met,
    naming what could be, and SettingsError for a pack size that makes no sense.
    """
    if pack is not None and not 1 <= pack <= MAX_PACK_SEGMENTS:
        raise SettingsError(
            f"A pack holds 1 to {MAX_PACK_SEGMENTS} texts, not {pack}. Leave the size out to have it chosen."
        )
    segments = census.distinct * len(languages)
    left = 1.0 - (from_memory / segments if segments else 0.0)
    counts = {size: count_packs(census.tokens, size) for size in ([pack] if pack else _sizes(census.distinct))}
    options = [
        _option(census, languages, routes, lanes, now, size, packs, left, shared=shared)
        for size, packs in counts.items()
        for shared in (False, True)
    ]
    best = _choose(options, goals)
    return _describe(best, census, languages, routes, lanes, from_memory, pack_given=pack is not None)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Option:
    size: int
    shared: bool
    loads: tuple[Load, ...]
    forecast: Forecast
    requests: int
    cost_usd: tuple[float, float] | None
    tokens: tuple[int, int]


def _sizes(distinct: int) -> list[int]:
    return [size for size in PACK_SIZES if size <= max(1, distinct)]


def _option(
    census: Census,
    languages: Sequence[Language],
    routes: Mapping[str, Route],
    lanes: Mapping[str, Lane],
    now: float,
    size: int,
    packs: int,
    left: float,
    *,
    shared: bool,
) -> _Option:
    packs_left = packs * left
    source = sum(census.tokens) * left
    loads: list[Load] = []
    prompt_sum = completion_sum = 0.0
    requests = 0
    for group, route in routes.items():
        members = [language for language in languages if language.group == group]
        chain = tuple(name for name in route.chain if lanes[name].gone is None)
        serving = chain if shared else chain[:1]
        head = lanes[serving[0]]
        prompt = prompt_tokens(source / packs_left, census.distinct * left / packs_left) if packs_left else 0.0
        completion = (
            sum(
                head.tokens.expected(
                    m.tag,
                    answer_tokens(
                        (census.characters * m.expansion / m.chars_per_token + 7 * census.distinct) * left / packs_left
                    )
                    if packs_left
                    else 0.0,
                )
                for m in members
            )
            / max(1, len(members))
            + head.model.reasoning_tokens
        )
        number = packs_left * len(members)
        requests += round(number)
        prompt_sum += number * prompt * head.tokens.prompt_mean
        completion_sum += number * completion
        loads.append(
            Load(
                group=group,
                lanes=serving,
                requests=number,
                prompt_tokens=prompt * head.tokens.prompt_mean,
                completion_tokens=completion,
            )
        )
    predicted = forecast(loads, lanes, now)
    return _Option(
        size=size,
        shared=shared,
        loads=tuple(loads),
        forecast=predicted,
        requests=requests,
        cost_usd=_price(loads, predicted, lanes),
        tokens=(round(prompt_sum), round(completion_sum)),
    )


def _price(loads: Sequence[Load], predicted: Forecast, lanes: Mapping[str, Lane]) -> tuple[float, float] | None:
    total = 0.0
    for load in loads:
        weight = sum(predicted.share.get(name, 0.0) for name in load.lanes) or 1.0
        for name in load.lanes:
            model = lanes[name].model
            if model.prompt_usd is None or model.completion_usd is None:
                return None
            number = load.requests * predicted.share.get(name, 0.0) / weight
            total += (
                number * (load.prompt_tokens * model.prompt_usd + load.completion_tokens * model.completion_usd) / 1e6
            )
    return (total, total * _SPREAD)


def _choose(options: Sequence[_Option], goals: Goals) -> _Option:
    meeting = [o for o in options if _meets(o, goals)]
    if not meeting:
        raise GoalError(_cannot(options, goals))
    fastest = min(o.forecast.seconds for o in meeting)
    alike = [o for o in meeting if o.forecast.seconds <= fastest + max(_TIE_S, _TIE_SHARE * fastest)]
    if goals.deadline_s is not None:
        # Any time within the deadline will do, so the money decides.
        alike = [o for o in meeting if o.forecast.seconds <= goals.deadline_s * 0.8] or alike
    # One model per language is what the route means; sharing must buy something.
    return min(alike, key=lambda o: (o.shared, sum(o.tokens), o.forecast.seconds))


def _meets(option: _Option, goals: Goals) -> bool:
    if goals.deadline_s is not None and option.forecast.seconds > goals.deadline_s:
        return False
    return goals.max_cost_usd is None or option.cost_usd is None or option.cost_usd[1] <= goals.max_cost_usd


def _cannot(options: Sequence[_Option], goals: Goals) -> str:
    fastest = min(options, key=lambda o: o.forecast.seconds)
    cheapest = min(options, key=lambda o: o.cost_usd[1] if o.cost_usd else float("inf"))
    said: list[str] = []
    if goals.deadline_s is not None and fastest.forecast.seconds > goals.deadline_s:
        said.append(
            f"it cannot finish in {duration(goals.deadline_s)}; the fastest plan takes about "
            f"{duration(fastest.forecast.seconds)}"
        )
    if goals.max_cost_usd is not None and cheapest.cost_usd and cheapest.cost_usd[1] > goals.max_cost_usd:
        said.append(
            f"it may cost more than {dollars(goals.max_cost_usd)}; "
            f"the cheapest plan costs up to {dollars(cheapest.cost_usd[1])}"
        )
    if not said:
        said.append("no plan keeps both the deadline and the cost cap")
    return f"Nothing was sent: {' and '.join(said)}. Choose fewer products or languages, or allow more."


def _describe(
    option: _Option,
    census: Census,
    languages: Sequence[Language],
    routes: Mapping[str, Route],
    lanes: Mapping[str, Lane],
    from_memory: int,
    *,
    pack_given: bool,
) -> RunPlan:
    sequential = sum(
        load.requests * lanes[load.lanes[0]].times.predict(load.completion_tokens) for load in option.loads
    )
    notes = [route.reason for route in routes.values()]
    if not pack_given:
        notes.append(
            f"{counted(option.size, 'text')} per request: the fastest choice under the limits"
            + (", and fewer requests cost less." if option.size > 1 else ".")
        )
    if any(not lanes[name].books.proven for load in option.loads for name in load.lanes):
        notes.append(
            "The limits of this key are not known yet, so the free plan's are assumed; the first answers tell the "
            "true ones, and the run goes faster if they allow it."
        )
    if option.shared and any(len(load.lanes) > 1 for load in option.loads):
        notes.append("Several models of each chain work side by side, because one alone would hit its limits.")
    return RunPlan(
        products=census.products,
        languages=tuple(languages),
        units=census.texts * len(languages),
        segments=census.distinct * len(languages),
        from_memory=from_memory,
        requests=option.requests,
        pack_sizes=dict.fromkeys(routes, option.size),
        serving={load.group: len(load.lanes) for load in option.loads},
        routes=routes,
        prompt_tokens=option.tokens[0],
        completion_tokens=option.tokens[1],
        cost_usd=option.cost_usd,
        predicted_s=option.forecast.seconds,
        bound_s=option.forecast.bound_s,
        sequential_s=sequential,
        limit_note=_limit_note(option, lanes),
        notes=tuple(notes),
    )


def _limit_note(option: _Option, lanes: Mapping[str, Lane]) -> str:
    for name, number in option.forecast.share.items():
        day = lanes[name].books.buckets.get("RPD")
        if day is not None and number > day.capacity + 0.5:
            return f"The day's {day.capacity:,.0f} requests of {name} cannot cover this: {number:,.0f} needed."
        tokens = lanes[name].books.buckets.get("TPD")
        need = number * sum(option.tokens) / max(1, option.requests)
        if tokens is not None and need > 1.001 * tokens.capacity:
            return f"The day's {tokens.capacity:,.0f} tokens of {name} cannot cover this: about {need:,.0f} needed."
    name, kind = option.forecast.binding
    words = {"RPM": "requests a minute", "TPM": "tokens a minute", "OTPM": "completion tokens a minute"}
    if kind in words:
        return f"The {words[kind]} of {name} bind ({lanes[name].books.buckets[kind].rate * 60:,.0f})."
    return "No limit binds; the models' own speed decides."
