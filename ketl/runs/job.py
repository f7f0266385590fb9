"""What a run is asked to do, as one value that can be shown, stored and resumed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from ketl.errors import SettingsError
from ketl.provider.tiers import TIERS
from ketl.results.baseline import BaselineKind


class Mode(StrEnum):
    """How the requests run: many at once, one by one, or both for comparison."""

    PARALLEL = "parallel"
    SEQUENTIAL = "sequential"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One run as asked for: the selection and the way to do it.

    `catalog` is a path, None for the shipped catalogue; with `upload`, the SHA-256 under which the database keeps a
    file that was given to the page, it is that file's name. Empty selections mean all; `pack` None means that
    the planner chooses; `glossary` is a path, `none`, or None for the shipped one; `routes` are overrides by
    group or language; `profile` is a profile of field lengths.
    """

    catalog: str | None = None
    upload: str | None = None
    products: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    fields: tuple[str, ...] = ()
    mode: Mode = Mode.PARALLEL
    baseline: BaselineKind = BaselineKind.PROJECTED
    pack: int | None = None
    plan: str = "auto"
    memory: bool = True
    glossary: str | None = None
    profile: str | None = None
    deadline_s: float | None = None
    max_cost_usd: float | None = None
    routes: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take one word for a selection of one, and the names of modes as they are written on the command line.

        Raises SettingsError for a mode or baseline that does not exist.
        """
        for name in ("products", "languages", "fields"):
            value: Any = getattr(self, name)
            words = (value,) if isinstance(value, str | int) else tuple(value)
            object.__setattr__(self, name, tuple(str(word) for word in words))
        for name, kind in (("mode", Mode), ("baseline", BaselineKind)):
            try:
                object.__setattr__(self, name, kind(getattr(self, name)))
            except ValueError as error:
                raise SettingsError(
                    f"A job has no {name} “{getattr(self, name)}”. Choose one of: {', '.join(kind)}."
                ) from error

    @property
    def uses_memory(self) -> bool:
        """Whether earlier translations may be reused; a comparison never does, or it would compare nothing."""
        return self.memory and self.mode is not Mode.COMPARE


def with_absolute_paths(job: Job) -> Job:
    """Return the job with paths that hold from every folder."""
    plan = job.plan if job.plan in TIERS or job.plan == "auto" else _absolute(job.plan)
    glossary = job.glossary if job.glossary in (None, "none") else _absolute(job.glossary)
    catalog = job.catalog if job.upload else _absolute(job.catalog)
    return replace(job, catalog=catalog, glossary=glossary, plan=plan)


def _absolute(path: str | None) -> Any:
    return None if path is None else str(Path(path).expanduser().absolute())


def job_to_json(job: Job) -> dict[str, Any]:
    """Return the job as JSON values."""
    return {**asdict(job), "mode": job.mode.value, "baseline": job.baseline.value, "routes": dict(job.routes)}


def job_from_json(data: Mapping[str, Any]) -> Job:
    """Return the job that `job_to_json` was given. Raises SettingsError for a mode or baseline that does not exist."""
    known = {key: value for key, value in data.items() if key in Job.__dataclass_fields__}
    for name in ("products", "languages", "fields"):
        known[name] = tuple(known.get(name) or ())
    return Job(**known)
