"""The scenarios of the speed benchmark: what is asked, what the server lays down, and the bound of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

MODELS = ("openai/gpt-oss-120b", "qwen/qwen3.8-27b", "openai/gpt-oss-20b")
TWELVE = (
    "Spanish", "French", "German", "Italian", "Portuguese (Brazil)", "Dutch",
    "Japanese", "Korean", "Chinese (Simplified)", "Arabic", "Hebrew", "Polish",
)  # fmt: skip
Limits = Mapping[str, float | None]
NO_LIMITS: Limits = {}
RPM_600: Limits = {"rpm": 600, "rpm_burst": 30}
FREE_RPM: Limits = {"rpm": 30}
FREE: Limits = {"rpm": 30, "tpm": 8_000, "rpd": 1_000, "tpd": 200_000}
TPM_60K: Limits = {"tpm": 60_000, "tpm_burst": 6_000}
# Most answers in about a third of a second, a few in up to 1.3: log-normal, cut at both ends.
DRAWN = {"kind": "lognormal", "median_s": 0.32, "sigma": 0.37, "low_s": 0.15, "high_s": 1.3}
# As a model answers: longer texts take longer, 0.2 to 0.8 s for one field.
SPOKEN = {"kind": "tokens", "first_s": 0.12, "tokens_per_s": 150}
FAULTS = {"500": 0.02, "503": 0.02, "reset": 0.01, "cut": 0.01, "empty": 0.02}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario. `products` × `languages` × `texts` units, `spread` the sigma of their lengths.

    `told` tells whether a contestant is handed the limits; `k` is the concurrency that suits the semaphores
    best; `peers` names who takes part beside ours; `unit` is what the result is divided by: `bound` (the
    bucket arithmetic alone), `longest` (the longest single request), or nothing. `patient` marks those in which
    some peer takes a minute: peers take part once, and not in a quick round. `runs` 0: only when asked for.
    """

    name: str
    title: str
    products: int
    languages: tuple[str, ...] = TWELVE
    texts: int = 3
    spread: float = 0.0
    latency: Mapping[str, Any] = field(default_factory=lambda: DRAWN)
    limits: Limits = field(default_factory=dict)
    told: bool = True
    pack: str = "1"
    faults: Mapping[str, float] = field(default_factory=dict)
    slow: Mapping[str, float] = field(default_factory=dict)
    retired: Mapping[str, int] = field(default_factory=dict)
    models: tuple[str, ...] = MODELS
    k: int = 100
    peers: tuple[str, ...] = ()
    unit: str = ""
    target: str = ""
    quick_runs: int = 1
    runs: int = 3
    patient: bool = False

    @property
    def units(self) -> int:
        """How many units there are; every text is another one, so as many segments."""
        return self.products * len(self.languages) * self.texts

    def server_settings(self) -> dict[str, Any]:
        """Return what the neutral server is told."""
        return {
            "models": {model: dict(self.limits) for model in self.models},
            "latency": dict(self.latency),
            "faults": dict(self.faults),
            "slow": dict(self.slow),
            "retired": dict(self.retired),
        }

    def bound_s(self, stats: Mapping[str, Any]) -> float:
        """Return the bucket arithmetic alone for what was really used: (amount - burst) / refill, models shared."""
        worst = 0.0
        for kind, amount in (("rpm", self._calls(stats)), ("tpm", stats.get("tokens", 0))):
            limit = self.limits.get(kind)
            if limit:
                burst = self.limits.get(f"{kind}_burst") or limit
                number = len(self.models)
                worst = max(worst, (amount / number - burst) / (limit / 60.0))
        return worst

    def _calls(self, stats: Mapping[str, Any]) -> float:
        return self.units if self.pack == "1" else stats.get("billed", 0)


_SDK = ("semaphore", "semaphore on aiohttp")
_LIBRARIES = ("LangChain abatch", "LiteLLM Router")
_ALL = ("gather", *_SDK, *_LIBRARIES)
_PATIENT = ("gather", "semaphore on aiohttp", *_LIBRARIES)

SCENARIOS: tuple[Scenario, ...] = (
    Scenario(
        name="overhead", title="3,000 requests, no latency", products=125, texts=2, latency={"kind": "zero"}, k=64,
        peers=(*_SDK, *_LIBRARIES), target="≤ 0.5 ms CPU a request",
    ),
    Scenario(
        name="merchandiser", title="360 requests of 0.15 to 1.3 s, no limits", products=10, unit="longest",
        peers=("sequential", *_ALL), target="≤ 1.25 ×",
    ),
    Scenario(
        name="merchandiser-auto", title="the same, nothing told", products=10, told=False, unit="longest",
        target="≤ 1.5 ×",
    ),
    Scenario(
        name="rpm", title="600 RPM, burst 30, three models, 300 requests", products=10, languages=TWELVE[:10],
        latency=SPOKEN, limits=RPM_600, unit="bound", k=24, peers=_ALL, target="≤ 1.07 ×, ≤ 2 refusals",
    ),
    Scenario(
        name="free", title="free plan's 30 RPM, 135 requests", patient=True, runs=1, products=5,
        languages=TWELVE[:9], latency=SPOKEN,
        limits=FREE_RPM, unit="bound", k=6, peers=_PATIENT, target="≤ 1.03 ×, 0 refusals",
    ),
    Scenario(
        name="free-full", title="free plan with RPM, TPM, RPD, TPD, 135 requests", products=5, languages=TWELVE[:9],
        latency=SPOKEN, limits=FREE, unit="bound", k=6, target="≤ 1.03 ×, 0 refusals", quick_runs=0, runs=1,
    ),
    Scenario(
        name="free-auto", title="free plan's 30 RPM, limits not told", runs=1, products=5, languages=TWELVE[:9],
        latency=SPOKEN, limits=FREE_RPM, told=False, unit="bound", k=6, target="≤ 1.05 ×, ≤ 10 refusals",
        quick_runs=1,
    ),
    Scenario(
        name="free-full-auto", title="free plan with all its limits, not told", products=5, languages=TWELVE[:9],
        latency=SPOKEN, limits=FREE, told=False, unit="bound", k=6, target="≤ 1.05 ×, ≤ 10 refusals",
        quick_runs=0, runs=0,
    ),
    Scenario(
        name="rpm-auto", title="600 RPM, burst 30, not told", products=10, languages=TWELVE[:10], latency=SPOKEN,
        limits=RPM_600, told=False, unit="bound", k=24, target="≤ 10 refusals",
    ),
    Scenario(
        name="tpm", title="60,000 TPM, burst 6,000, log-normal sizes, 240 requests", patient=True, products=20,
        languages=TWELVE[:12], texts=1, spread=0.5, latency=SPOKEN, limits=TPM_60K, unit="bound", k=12,
        peers=_PATIENT, runs=1, target="≤ 1.07 ×, ≤ 2 refusals",
    ),
    Scenario(
        name="tail", title="1 % ten times slower, 0.5 % never answered, nothing configured", patient=True, products=10,
        slow={"share": 0.01, "factor": 10, "hung": 0.005}, unit="longest", peers=("semaphore on aiohttp",),
        target="≤ 2 ×, ≤ 1 % billed twice",
    ),
    Scenario(
        name="faults", title="2 % 500, 2 % 503, 1 % reset, 1 % cut off, 2 % empty, 1,000 requests", products=50,
        languages=TWELVE[:10], texts=2, faults=FAULTS, unit="longest", peers=(*_SDK, *_LIBRARIES),
        target="all right, ≤ 0.5 % billed beyond the spoilt",
    ),
    Scenario(
        name="many", title="20,000 requests at 50 ms", products=625,
        languages=(*TWELVE, "Russian", "Greek", "Thai", "Hindi"), texts=2,
        latency={"kind": "fixed", "seconds": 0.05}, peers=_SDK, target="≥ 2,000/s, ≤ 150 MB, first ≤ 0.3 s",
        quick_runs=1,
    ),
    Scenario(
        name="retired", title="one model of three retired mid-run (600 RPM)", products=10, languages=TWELVE[:10],
        latency=SPOKEN, limits=RPM_600, retired={MODELS[0]: 40}, peers=(*_SDK, *_LIBRARIES), k=24,
        target="nothing lost, ≤ 2 hopeless calls",
    ),
    Scenario(
        name="retired-unlisted", title="one model of three retired, yet still listed", products=10,
        languages=TWELVE[:10], retired={MODELS[0]: 0}, peers=(*_SDK, *_LIBRARIES), k=24,
        target="nothing lost, ≤ 2 hopeless calls",
    ),
    Scenario(
        name="packed", title="merchandiser run under the free plan, packed", products=10, latency=SPOKEN, limits=FREE,
        pack="auto", target="≥ 8 × sooner than one call a field",
    ),
    Scenario(
        name="unpacked", title="merchandiser run under the free plan, one call a field", products=10, latency=SPOKEN,
        limits=FREE, unit="bound", quick_runs=0, runs=0,
    ),
)  # fmt: skip


def find(name: str) -> Scenario:
    """Return a scenario by its name; raises KeyError for none."""
    return {s.name: s for s in SCENARIOS}[name]
