"""Chooses the models that serve each language group, and explains every choice. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ketl._words import did_you_mean
from ketl.errors import SettingsError
from ketl.language.languages import GROUPS, Language, find_language
from ketl.provider.models import CHAINS, MODELS, NOT_FOR_TEXT
from ketl.provider.protocol import ListedModel


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The models of one language group: the living chain in order, how many of its head serve side by
    side, and the reason for the choice in a sentence.

    `substitutions` are (wanted, taken, reason) for every model of the chain passed over for a later one.
    """

    group: str
    chain: tuple[str, ...]
    serving: int = 1
    reason: str
    substitutions: tuple[tuple[str, str, str], ...] = ()


def living_by_table(today: str) -> list[ListedModel]:
    """Return the models of the table that are not retired on `today` (ISO date): what to assume unasked."""
    return [ListedModel(id=m.id) for m in MODELS.values() if m.retired_on is None or m.retired_on > today]


def choose_routes(
    languages: Iterable[Language],
    listed: Sequence[ListedModel],
    overrides: Mapping[str, str] | None = None,
) -> dict[str, Route]:
    """Return a route for the group of every language, from the models that the provider lists.

    `overrides` maps a group, or a language by any of its names, to the model to put first. Raises
    SettingsError when a group has no living model, or an override names an unknown group, language or model.
    """
    alive = {m.id for m in listed if m.active}
    wanted = list(dict.fromkeys(language.group for language in languages))
    first = _read_overrides(overrides or {}, alive)
    return {group: _route(group, alive, first.get(group)) for group in wanted}


def regroup(languages: Iterable[Language], overrides: Mapping[str, str]) -> tuple[Language, ...]:
    """Return the languages, those with an override of their own in a group of their own ("asian:ja").

    Raises SelectionError for an override that names neither a group nor a language.
    """
    own = {find_language(key).tag for key in overrides if key.strip().casefold() not in GROUPS}
    return tuple(
        replace(language, group=f"{language.group}:{language.tag}") if language.tag in own else language
        for language in languages
    )


def _route(group: str, alive: set[str], override: str | None) -> Route:
    chain = CHAINS.get(group.partition(":")[0], CHAINS["western"])
    living = tuple(model for model in chain if model in alive)
    # A gateway may serve models under names of its own; better those than none.
    others = () if living else tuple(sorted(m for m in alive if not any(word in m.lower() for word in NOT_FOR_TEXT)))
    if override is not None:
        rest = tuple(m for m in living or others if m != override)
        return Route(group=group, chain=(override, *rest), reason=f"{group} → {override} because you chose it.")
    if not living and not others:
        raise SettingsError(
            f"The provider lists no model for {group} languages. Wanted one of {', '.join(chain)}. "
            "Check the models that your key may use."
        )
    if not living:
        return Route(
            group=group,
            chain=others,
            reason=f"{group} → {others[0]} because the provider lists none of {', '.join(chain)}.",
        )
    taken = living[0]
    passed = chain[: chain.index(taken)]
    substitutions = tuple((model, taken, _why_not(model)) for model in passed)
    reason = f"{group} → {taken}"
    reason += f" because {passed[0]} {_why_not(passed[0])}." if passed else ", the first choice for this group."
    return Route(group=group, chain=living, reason=reason, substitutions=substitutions)


def _why_not(model: str) -> str:
    record = MODELS.get(model)
    if record is not None and record.retired_on is not None:
        return f"was retired on {record.retired_on}"
    return "is not offered to this key"


def _read_overrides(overrides: Mapping[str, str], alive: set[str]) -> dict[str, str]:
    first: dict[str, str] = {}
    for key, model in overrides.items():
        if model not in alive:
            raise SettingsError(
                f"The model “{model}” chosen for {key} is not offered.{did_you_mean(model, alive)} "
                "Choose one of the models offered, or leave the choice to the program."
            )
        group = key.strip().casefold()
        if group not in GROUPS:
            language = find_language(key)
            group = f"{language.group}:{language.tag}"
        first[group] = model
    return first
