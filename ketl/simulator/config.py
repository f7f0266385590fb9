"""Everything that can be set on the local server, checked, and read from and written to JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ketl._words import did_you_mean
from ketl.errors import SettingsError
from ketl.simulator.damage import DAMAGE_KINDS
from ketl.simulator.limits import PLANS, Limits

TRANSPORT_FAULTS: tuple[str, ...] = ("500", "503", "498", "reset", "hang", "cut_body", "straggler")
"""Faults of the service and the wire; `DAMAGE_KINDS` are those of the reply's text."""

FAULT_KINDS: tuple[str, ...] = (*TRANSPORT_FAULTS, *DAMAGE_KINDS)


@dataclass(frozen=True, slots=True)
class ScriptedFault:
    """One fault that happens when a matching request comes, instead of by chance.

    The first `after` matching requests are spared, the next `times` get it (None: all). It matches by
    `model` id, language `tag`, and a piece of the last user message, `contains`; None matches everything.
    """

    fault: str
    times: int | None = field(default=1, kw_only=True)
    after: int = field(default=0, kw_only=True)
    model: str | None = field(default=None, kw_only=True)
    tag: str | None = field(default=None, kw_only=True)
    contains: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        texts = (self.model, self.tag, self.contains)
        if not isinstance(self.after, int) or not isinstance(self.times, int | None):
            raise SettingsError(
                "A scripted fault's “after” and “times” must be whole numbers; no “times” at all: null."
            )
        if not isinstance(self.fault, str) or not all(isinstance(text, str | None) for text in texts):
            raise SettingsError("A scripted fault's “fault”, “model”, “tag” and “contains” must be texts.")


@dataclass(frozen=True, slots=True, kw_only=True)
class SimulatorConfig:
    """The settings of a local server; every one can be changed while it runs.

    plan: free, developer, unlimited, or the path of a JSON file {model: {rpm, rpm_burst, tpm, …}}.
    limits: limits by model id ("*": every other), in place of the plan's.
    settle: whether a reservation that was not used is given back after the answer.
    seed: what all chance is drawn from.
    time_scale: factor on every service time; 0 answers at once.
    latency_s: least and most seconds of an answer, evenly drawn, in place of the models' speeds.
    queue_s, queue_sigma: median and log-normal spread of the time before the first token.
    models: the ids that exist (None: all that the product's table has).
    retired: ids that are retired from the start; retire_after_requests and retire_after_s: ids that retire
    after so many requests or seconds (since start or reset); retired_code: what a call to them answers,
    model_decommissioned (400) or model_not_found (404).
    faults: share of requests, 0 to 1, that meet each fault (see FAULT_KINDS).
    script: faults for chosen requests; they come before those by chance.
    damage_every: every so many-th answered request is spoilt by the next of damage_kinds in turn (0: none).
    straggler_factor: how many times longer a straggler takes.
    keys: API keys that are accepted (empty: any, also none).
    batch_time_scale: factor on the time that a batch takes (about a second and a little a line).
    batch_expires_after: lines after which every batch expires (None: never).
    """

    plan: str = "developer"
    limits: Mapping[str, Limits] | None = None
    settle: bool = True
    seed: int = 7
    time_scale: float = 1.0
    latency_s: tuple[float, float] | None = None
    queue_s: float = 0.11
    queue_sigma: float = 0.5
    models: tuple[str, ...] | None = None
    retired: tuple[str, ...] = ()
    retire_after_requests: Mapping[str, int] = field(default_factory=dict)
    retire_after_s: Mapping[str, float] = field(default_factory=dict)
    retired_code: str = "model_decommissioned"
    faults: Mapping[str, float] = field(default_factory=dict)
    script: tuple[ScriptedFault, ...] = ()
    damage_every: int = 0
    damage_kinds: tuple[str, ...] = DAMAGE_KINDS
    straggler_factor: float = 10.0
    keys: tuple[str, ...] = ()
    batch_time_scale: float = 1.0
    batch_expires_after: int | None = None

    def __post_init__(self) -> None:
        for kind in (*self.faults, *(rule.fault for rule in self.script)):
            if kind not in FAULT_KINDS:
                raise SettingsError(f"The fault “{kind}” is not known.{did_you_mean(kind, FAULT_KINDS)}")
        for kind in self.damage_kinds:
            if kind not in DAMAGE_KINDS:
                raise SettingsError(f"The damage “{kind}” is not known.{did_you_mean(kind, DAMAGE_KINDS)}")
        if any(rate < 0 for rate in self.faults.values()) or sum(self.faults.values()) > 1.0 + 1e-9:
            raise SettingsError("The shares in “faults” must be 0 or more and sum to at most 1.")
        if self.time_scale < 0 or self.batch_time_scale < 0:
            raise SettingsError("“time_scale” and “batch_time_scale” must be 0 or more.")
        if self.latency_s is not None and not 0 <= self.latency_s[0] <= self.latency_s[1]:
            raise SettingsError("“latency_s” must be two numbers of seconds, the smaller one first.")
        if self.retired_code not in ("model_decommissioned", "model_not_found"):
            raise SettingsError("“retired_code” must be model_decommissioned or model_not_found.")
        if not self.damage_kinds or self.damage_every < 0:
            raise SettingsError("“damage_every” must be 0 or more and “damage_kinds” must name at least one kind.")

    def limits_by_model(self) -> Mapping[str, Limits]:
        """Return the limits in force; raises SettingsError when the plan is neither known nor a plan file."""
        return self.limits if self.limits is not None else read_plan(self.plan)


def read_plan(plan: str) -> Mapping[str, Limits]:
    """Return the limits of a plan by name or path.

    Raises SettingsError when there is no such plan, or the file is not {model: {limit: number}}.
    """
    if plan in PLANS:
        return PLANS[plan]
    path = Path(plan)
    if not path.is_file():
        hint = did_you_mean(plan, PLANS) or f" Choose {', '.join(PLANS)}, or the path of a JSON file."
        raise SettingsError(f"The plan “{plan}” is not known and no file has that name.{hint}")
    return parse_limits(_read_json(path), path.name)


def parse_limits(values: object, where: str) -> Mapping[str, Limits]:
    """Return limits by model id from a JSON value; raises SettingsError, naming `where`, for another form."""
    if not isinstance(values, Mapping):
        raise SettingsError(f"{where} must be an object: {{model: {{“rpm”: 30, “tpm”: 8000}}}}.")
    return {str(model): Limits.from_mapping(limits, f"{where}, model “{model}”") for model, limits in values.items()}


def read_config(path: Path) -> SimulatorConfig:
    """Return the settings in a JSON file; raises SettingsError when it cannot be read or has a wrong value."""
    values = _read_json(path)
    if not isinstance(values, Mapping):
        raise SettingsError(f"{path.name} must be one JSON object of simulator settings.")
    return changed(SimulatorConfig(), values)


def changed(config: SimulatorConfig, values: Mapping[str, Any]) -> SimulatorConfig:
    """Return `config` with some settings replaced by JSON values.

    An object under `plan` is taken as limits, and naming a plan drops limits set before. Raises
    SettingsError, naming the near matches, for an unknown setting or a value of the wrong form.
    """
    known = [entry.name for entry in fields(SimulatorConfig)]
    merged: dict[str, Any] = {name: getattr(config, name) for name in known}
    hints = get_type_hints(SimulatorConfig)
    for name, value in values.items():
        if name not in known:
            raise SettingsError(f"The simulator has no setting “{name}”.{did_you_mean(name, known)}")
        if name == "plan":
            if isinstance(value, Mapping):
                merged["limits"] = parse_limits(value, "plan")
            else:
                merged |= {"plan": str(value), "limits": None}
        elif name == "limits":
            merged[name] = None if value is None else parse_limits(value, name)
        elif name == "script":
            merged[name] = _parse_script(value)
        else:
            merged[name] = _typed(name, value, hints[name])
    result = SimulatorConfig(**merged)
    result.limits_by_model()
    return result


def as_json(config: SimulatorConfig) -> dict[str, Any]:
    """Return the settings as a JSON object that `changed` reads back."""
    return asdict(config)


def _typed(name: str, value: Any, hint: Any) -> Any:
    """Return a JSON value in the form that the setting's annotation asks for."""
    optional = type(None) in get_args(hint)
    if value is None and optional:
        return None
    plain = next((h for h in get_args(hint) if h is not type(None)), hint) if optional else hint
    if plain is bool and isinstance(value, bool):
        return value
    if plain is str and isinstance(value, str):
        return value
    if plain in (int, float) and isinstance(value, (int, float)) and not isinstance(value, bool):
        return plain(value)
    args = get_args(plain)
    if isinstance(value, Mapping) and len(args) == 2 and args[0] is str:
        return {str(key): _typed(f"{name}.{key}", item, args[1]) for key, item in value.items()}
    if isinstance(value, (list, tuple)) and args and (args[-1] is ... or len(args) == len(value)):
        return tuple(_typed(name, item, args[0]) for item in value)
    raise SettingsError(
        f"The simulator's setting “{name}” cannot be {json.dumps(value)}. Look up its form and try again."
    )


def _parse_script(values: object) -> tuple[ScriptedFault, ...]:
    known = {entry.name for entry in fields(ScriptedFault)}
    if not isinstance(values, (list, tuple)):
        raise SettingsError("“script” must be a list of faults such as {“fault”: “500”, “times”: 2}.")
    rules: list[ScriptedFault] = []
    for value in values:
        if isinstance(value, str):
            value = {"fault": value}
        if not isinstance(value, Mapping) or "fault" not in value or set(value) - known:
            raise SettingsError(f"Each fault in “script” may have: {', '.join(sorted(known))}; “fault” must be there.")
        rules.append(ScriptedFault(**value))
    return tuple(rules)


def _read_json(path: Path) -> object:
    try:
        return json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise SettingsError(f"{path} cannot be read ({error.strerror}). Check the path.") from error
    except ValueError as error:
        raise SettingsError(f"{path.name} is not readable JSON ({error}). Correct it and try again.") from error
