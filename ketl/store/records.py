"""The records that the store hands out, and how they lie in its tables."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ketl.catalog.products import clean_text
from ketl.checks.base import Finding, Severity
from ketl.results.outcome import Outcome, Status


class RunStatus(StrEnum):
    """How a run stands; a run whose owner is gone is interrupted, whatever it last wrote."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """One run in the journal.

    `engine` is "groq" or "demo"; `spec` says what was asked for, enough to resume it; `counts` are its
    progress; `report` is None until it ends; `owner` is the lease of whoever worked on it last;
    `catalog_sha256` tells the content of the catalogue that it began with, None where that is not known. Times are
    seconds since 1970.
    """

    run_id: str
    status: RunStatus
    engine: str
    mode: str
    spec: Mapping[str, Any]
    counts: Mapping[str, int]
    report: Mapping[str, Any] | None
    started_at: float
    finished_at: float | None
    owner: str
    heartbeat_at: float
    catalog_sha256: str | None


class Action(StrEnum):
    """What a person decided about one translation."""

    APPROVED = "approved"
    EDITED = "edited"
    SENT_BACK = "sent_back"


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """A person's decision about one unit of one run.

    `key` is the key of the unit's source text; `text` is the translation as approved or edited, empty when
    sent back; `note` says what was wrong with it; `decided_at` is in seconds since 1970, None before it is
    stored.
    """

    product_id: str
    field: str
    item: int | None
    language_tag: str
    key: bytes
    action: Action
    text: str = ""
    note: str = ""
    decided_at: float | None = None

    @property
    def unit(self) -> tuple[str, str, int | None, str]:
        """What tells this unit from all others of a run."""
        return (self.product_id, self.field, self.item, self.language_tag)


# The columns of an outcome's row, in order; the first three tell it from all others.
OUTCOME_COLUMNS = (
    "run_id", "key", "language_tag", "status", "text", "reason", "model", "findings", "seconds", "from_memory", "rung",
)  # fmt: skip

_STATUSES = {status.value: status for status in Status}


def findings_to_text(findings: Collection[Finding]) -> str:
    """Return findings as JSON, or an empty text when there are none (most rows)."""
    if not findings:
        return ""
    listed = [[finding.id, finding.severity.value, finding.message] for finding in findings]
    return clean_text(json.dumps(listed, ensure_ascii=False))


def findings_from_text(text: str) -> tuple[Finding, ...]:
    """Return the findings that `findings_to_text` was given."""
    if not text:
        return ()
    return tuple(Finding(ident, Severity(severity), message) for ident, severity, message in json.loads(text))


def outcome_to_row(run_id: str, outcome: Outcome) -> tuple[Any, ...]:
    """Return an outcome as the values of `OUTCOME_COLUMNS`."""
    return (
        run_id,
        outcome.key,
        outcome.language_tag,
        str(outcome.status),
        # Replies can hold what no database takes: lone surrogates and NUL.
        clean_text(outcome.text),
        clean_text(outcome.reason),
        outcome.model,
        findings_to_text(outcome.findings),
        outcome.seconds,
        outcome.from_memory,
        outcome.rung,
    )


def outcome_from_row(row: Sequence[Any]) -> Outcome:
    """Return the outcome in a row of `OUTCOME_COLUMNS`."""
    _, key, tag, status, text, reason, model, findings, seconds, from_memory, rung = row
    return Outcome(
        key=bytes(key),
        language_tag=tag,
        status=_STATUSES[status],
        text=text,
        reason=reason,
        model=model,
        findings=findings_from_text(findings) if findings else (),
        seconds=seconds,
        from_memory=bool(from_memory),
        rung=rung,
    )
