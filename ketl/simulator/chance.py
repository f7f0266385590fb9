"""Draws every chance from the request's own content, so that the same request meets the same fate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from hashlib import blake2b
from statistics import NormalDist

from ketl.simulator.config import ScriptedFault, SimulatorConfig
from ketl.simulator.models import ServedModel

_NORMAL = NormalDist()
_TWO_64 = 2.0**64
# Ten bytes a request: this bounds the memory of repeated requests at some tens of megabytes.
_MOST_REMEMBERED = 300_000


class Draws:
    """Four numbers in 0 to 1 that depend on the seed and the request's content only."""

    __slots__ = ("_numbers", "digest")

    def __init__(self, seed: int, *content: str) -> None:
        whole = "\0".join((str(seed), *content))
        self.digest = blake2b(whole.encode("utf-8", "replace"), digest_size=32).digest()
        self._numbers = [int.from_bytes(self.digest[i : i + 8], "big") / _TWO_64 for i in (0, 8, 16, 24)]

    def even(self, which: int, least: float, most: float) -> float:
        """Return draw number `which` (0 to 3), evenly between two values."""
        return least + (most - least) * self._numbers[which]

    def log_normal(self, which: int, median: float, sigma: float) -> float:
        """Return draw number `which` as a log-normal value, cut at the 99.99th percentile."""
        share = min(max(self._numbers[which], 1e-4), 1 - 1e-4)
        return median * math.exp(sigma * _NORMAL.inv_cdf(share))


def service_times(
    config: SimulatorConfig, model: ServedModel, draws: Draws, prompt_tokens: int, completion_tokens: int
) -> tuple[float, float, float]:
    """Return the seconds in the queue, reading the prompt, and writing the answer."""
    if config.latency_s is not None:
        whole_s = draws.even(0, *config.latency_s) * config.time_scale
        return whole_s * 0.2, whole_s * 0.1, whole_s * 0.7
    queue_s = draws.log_normal(0, config.queue_s, config.queue_sigma) * config.time_scale
    prompt_s = prompt_tokens / model.prompt_tokens_per_s * config.time_scale
    # Speeds differ by a tenth or so from call to call on the service too.
    speed = model.completion_tokens_per_s * draws.even(1, 0.9, 1.1)
    return queue_s, prompt_s, completion_tokens / speed * config.time_scale


class Fate:
    """Decides which fault a request meets: by script, in turn, or by chance.

    Chance depends on the content and on how often it came before, so that a second attempt at the same
    request is a new draw and yet the whole is repeatable.
    """

    def __init__(self, config: SimulatorConfig) -> None:
        self._config = config
        self._matched = [0] * len(config.script)
        self._came: dict[bytes, int] = {}
        self._answers = 0

    def fault(self, draws: Draws, *, model: str, tag: str, content: str) -> str | None:
        """Return the fault that this request meets, None for a good answer."""
        config = self._config
        for number, rule in enumerate(config.script):
            if _matches(rule, model, tag, content):
                self._matched[number] += 1
                turn = self._matched[number] - rule.after
                if turn > 0 and (rule.times is None or turn <= rule.times):
                    return rule.fault
        if config.damage_every:
            self._answers += 1
            if self._answers % config.damage_every == 0:
                turn = self._answers // config.damage_every - 1
                return config.damage_kinds[turn % len(config.damage_kinds)]
        return self._by_chance(config.faults, draws) if config.faults else None

    def _by_chance(self, shares: Mapping[str, float], draws: Draws) -> str | None:
        if len(self._came) >= _MOST_REMEMBERED:
            self._came.clear()
        short = draws.digest[:10]
        times = self._came[short] = self._came.get(short, 0) + 1
        point = Draws(self._config.seed, draws.digest.hex(), str(times)).even(0, 0.0, 1.0)
        for kind, share in shares.items():
            point -= share
            if point < 0:
                return kind
        return None


def _matches(rule: ScriptedFault, model: str, tag: str, content: str) -> bool:
    return (
        (rule.model is None or rule.model == model)
        and (rule.tag is None or rule.tag == tag)
        and (rule.contains is None or rule.contains in content)
    )
