"""What happens in a run, as values: pages, command line, journal and report fold these and nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from ketl.results.catalog_change import CatalogChanged
from ketl.results.outcome import Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """The run knows what it will do: counts of what is chosen, what the memory has, and the predicted seconds."""

    products: int
    languages: int
    units: int
    segments: int
    from_memory: int
    requests: int
    predicted_s: float


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request was sent to a model; `at_s` counts from the start of the run.

    `first` tells the first attempt at the request, `new_here` the first with this model.
    """

    request: int
    model: str
    at_s: float
    first: bool = True
    new_here: bool = True


@dataclass(frozen=True, slots=True)
class Answered:
    """One attempt ended, well or not.

    `start_s` and `seconds` are its begin (from the start of the run) and length; `status` is the HTTP status
    as text, or `timeout`, `reset`, `unusable`, `superseded` (a sibling was faster) or `cancelled`;
    `kind` says why it was made: first, retry, repair or hedge. `tokens` are (prompt, completion, cached),
    zero when the provider billed none; `cost_usd` is None when the model's price is unknown. `units` is the
    number of segments it carried, `predicted_s` what the model's lane expected, `service_s` how long the provider
    says it took, as seen from here, None where it does not say, `queue_s` how long it lay there before. `given_up`
    tells an attempt that was sent and ended from here without an answer; `possible_usd` is then what it may have cost
    at most (its prompt and its whole ceiling), None when the model's price is unknown.
    """

    request: int
    model: str
    language_tag: str
    start_s: float
    seconds: float
    status: str
    kind: str
    units: int
    tokens: tuple[int, int, int]
    cost_usd: float | None
    predicted_s: float
    service_s: float | None = None
    given_up: bool = False
    possible_usd: float | None = 0.0
    queue_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Ended:
    """A segment ended: translated, failed or cancelled; `at_s` counts from the start of the run."""

    outcome: Outcome
    at_s: float


@dataclass(frozen=True, slots=True)
class LimitReached:
    """A model's limit holds its lane back; `kind` is the limit (RPM, TPM …), `wait_s` how long, `refused`
    whether the provider had to say so."""

    model: str
    kind: str
    wait_s: float
    refused: bool


@dataclass(frozen=True, slots=True)
class LimitWaited:
    """A lane that was held back by a limit goes on after `seconds`."""

    model: str
    seconds: float


@dataclass(frozen=True, slots=True)
class LaneClosed:
    """A model failed again and again or fell silent, so it is left alone for `wait_s` seconds; `reason` follows its
    name."""

    model: str
    reason: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class Substituted:
    """Work moved from one model to another, and why."""

    source: str
    target: str
    reason: str


@dataclass(frozen=True, slots=True)
class ServedAtOnce:
    """The answers of a model show how many requests its server works on at a time; None: no queue is seen any more.

    `sure` says whether no other number explains the answers nearly as well; `whole` whether it is one queue for all
    models of the server.
    """

    model: str
    at_once: int | None
    sure: bool
    whole: bool


@dataclass(frozen=True, slots=True)
class Repaired:
    """A rung of the repair ladder was tried on one segment; `solved` tells whether it helped."""

    rung: int
    solved: bool


@dataclass(frozen=True, slots=True)
class JournalHeld:
    """The database refuses what is to be written, so nothing more is sent; `reason` is empty when it takes it again.

    It is tried again for `patience_s` seconds.
    """

    reason: str
    patience_s: float


@dataclass(frozen=True, slots=True)
class PhaseBegan:
    """A part of the run begins: `parallel`, `sequential`, or `baseline`; `requests` of it are planned."""

    phase: str
    requests: int


Event = (
    Planned
    | PhaseBegan
    | JournalHeld
    | CatalogChanged
    | Admitted
    | Answered
    | Ended
    | LimitReached
    | LimitWaited
    | LaneClosed
    | Substituted
    | ServedAtOnce
    | Repaired
)
