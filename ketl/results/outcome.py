"""How segments and units end: the records that pages, files and the journal share."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

from ketl.checks.base import Finding


class Status(StrEnum):
    """How a unit stands: the machine's ends (translated, failed, cancelled), or a person's decision."""

    TRANSLATED = "translated"
    EDITED = "edited"
    APPROVED = "approved"
    FAILED = "failed"
    CANCELLED = "cancelled"


# How a segment ends that has a translation, from the machine or a person, and need not be sent again.
DONE = frozenset({Status.TRANSLATED, Status.EDITED, Status.APPROVED})


class Outcome(NamedTuple):
    """How one segment ended.

    `kind` is the kind of field; `text` is the translation, empty unless there is one; `reason` says in a
    sentence why a failed or cancelled segment has none; `model` is the id of the model that answered, empty
    when none did; `seconds` is how long its last attempt took, None when nothing was sent; `rung` tells which
    rung of the repair ladder gave the text: 0 first answer, 1 asked again, 2 and 3 the chain's next models.

    A tuple, because a run makes one for every segment it has; named by keyword all the same.
    """

    key: bytes
    language_tag: str
    status: Status
    text: str = ""
    reason: str = ""
    model: str = ""
    findings: tuple[Finding, ...] = ()
    seconds: float | None = None
    from_memory: bool = False
    rung: int = 0
    kind: str = ""
