"""What a check is: an identity, a severity, a label from its docstring, and a function that finds faults."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ketl.checks.subject import Subject


class Severity(StrEnum):
    """How grave a finding is: an error is never passed on as a clean translation."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check says of one translation: its id, its severity, and a sentence for the merchandiser."""

    id: str
    severity: Severity
    message: str


def has_error(findings: Iterable[Finding]) -> bool:
    """Tell whether one of the findings is an error: such a text is never passed on as clean."""
    return any(finding.severity is Severity.ERROR for finding in findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One registered check: `run` yields a message for every fault it finds in a subject.

    `label` is the first line of the function's docstring, `false_alarms` the part after "False alarms:".
    `needs` are the traits of which the subject must have one; without them the check is silent and is not run.
    """

    id: str
    severity: Severity
    label: str
    false_alarms: str
    run: Callable[[Subject], Iterable[str]]
    needs: int = 0


REGISTRY: dict[str, Check] = {}


def check(
    ident: str, severity: Severity, *, needs: int = 0
) -> Callable[[Callable[[Subject], Iterable[str]]], Callable[[Subject], Iterable[str]]]:
    """Register the decorated function as the check `ident`; the label and its limits come from its docstring.

    `needs` holds the traits (`ketl.checks._traits`) without all of which the check has nothing to say.
    """

    def register(function: Callable[[Subject], Iterable[str]]) -> Callable[[Subject], Iterable[str]]:
        doc = (function.__doc__ or "").strip()
        label, _, rest = doc.partition("\n")
        _, _, false_alarms = rest.partition("False alarms:")
        REGISTRY[ident] = Check(
            id=ident,
            severity=severity,
            label=label.rstrip("."),
            false_alarms=" ".join(false_alarms.split()),
            run=function,
            needs=needs,
        )
        return function

    return register
