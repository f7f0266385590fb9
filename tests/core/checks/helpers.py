"""Short ways to say: this translation passes, this one has these findings."""

from __future__ import annotations

from typing import Any

from ketl.checks import Subject, run_checks
from ketl.language.glossary import Term
from ketl.language.languages import find_language

SUNSHIRK = Term("Sunshirk", do_not_translate=True, case_sensitive=True)
LIDWELL = Term("Lidwell", do_not_translate=True, case_sensitive=True)


def subject(source: str, translation: str, language: str, **facts: Any) -> Subject:
    return Subject(source, translation, language=find_language(language), **facts)


def findings(source: str, translation: str, language: str, **facts: Any) -> list[str]:
    """Return the ids of all findings, each once, in order."""
    return list(dict.fromkeys(f.id for f in run_checks(subject(source, translation, language, **facts))))


def message(source: str, translation: str, language: str, ident: str, **facts: Any) -> str:
    """Return the message of the first finding with this id."""
    return next(f.message for f in run_checks(subject(source, translation, language, **facts)) if f.id == ident)
