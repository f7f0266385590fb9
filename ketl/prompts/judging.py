"""Judges an answer: puts back what was hidden, makes the safe fixes, and asks the checks."""

from __future__ import annotations

from dataclasses import dataclass

from ketl import checks
from ketl.catalog import placeables
from ketl.checks.base import Finding, Severity
from ketl.checks.length import most_chars
from ketl.checks.profiles import NO_LIMIT, find_limit
from ketl.checks.subject import Subject
from ketl.language.brand_voice import BrandVoice
from ketl.language.languages import Language
from ketl.prompts.prepared import Prepared

PLACEABLES_LOST = "placeables"
# Findings whose text must not even be shown as a draft: it is no translation at all.
NOT_A_TRANSLATION = frozenset({"empty", "chatter", "refusal", "error-text", "truncated", "unsafe-markup", "runaway"})


@dataclass(frozen=True, slots=True)
class Judge:
    """What an answer is held to: the brand's form of address, and the field lengths of a profile (None: none)."""

    voice: BrandVoice
    profile: str | None = None

    def grade(self, prepared: Prepared, answer: str, *, cut_off: bool = False) -> tuple[str, tuple[Finding, ...]]:
        """Return the finished text of an answer (placeables restored, safe fixes made) and its findings."""
        segment = prepared.segment
        # Of an answer without an end, as much as shows that it is one: judging the rest would only take time.
        answer = answer[: most_chars(segment.source, segment.language.expansion) + 1]
        findings: tuple[Finding, ...] = ()
        restored = placeables.restore(answer, prepared.hidden)
        if restored.missing or restored.extra:
            lost = ", ".join(restored.missing) or ", ".join(restored.extra)
            findings = (Finding(PLACEABLES_LOST, Severity.ERROR, f"Protected text was lost or changed: {lost}."),)
        text = checks.autofix(restored.text, segment.language, segment.source)
        subject = Subject(
            source=segment.source,
            translation=text,
            language=segment.language,
            kind=segment.kind,
            terms=prepared.terms,
            limits=find_limit(self.profile, "", segment.kind) if self.profile else NO_LIMIT,
            finish_reason="length" if cut_off else None,
            formality=self._formality(segment.language),
        )
        return text, findings + checks.run_checks(subject)

    def _formality(self, language: Language) -> str | None:
        formality = self.voice.formality(language)
        return formality.register if formality and formality.register in ("formal", "informal") else None
