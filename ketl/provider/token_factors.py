"""How many tokens a model really uses against what the tables expect, learned by language."""

from __future__ import annotations

from dataclasses import dataclass

_UNKNOWN_VOCABULARY = 1.2


@dataclass(slots=True)
class _Factor:
    answers: int = 0
    mean: float = 1.0
    high: float = 0.0


class TokenFactors:
    """Learns, by language, how many tokens a model really uses against what the tables expect."""

    def __init__(self) -> None:
        self._prompt = 1.0
        self._prompt_answers = 0
        self._by_tag: dict[str, _Factor] = {}

    def learn(self, tag: str, expected_prompt: float, prompt: float, expected: float, completion: float) -> None:
        """Take in one answer's usage against what was expected for it."""
        ratio = prompt / max(1.0, expected_prompt)
        weight = max(0.05, 1.0 / (self._prompt_answers + 1))
        self._prompt += weight * (ratio - self._prompt)
        self._prompt_answers += 1
        factor = self._by_tag.setdefault(tag, _Factor())
        ratio = completion / max(1.0, expected)
        factor.mean += max(0.05, 1.0 / (factor.answers + 1)) * (ratio - factor.mean)
        factor.high = max(ratio, factor.high * 0.99)
        factor.answers += 1

    @property
    def prompt_mean(self) -> float:
        """What prompts took on average, by what was expected; 1 before the first answer."""
        return self._prompt

    @property
    def prompt(self) -> float:
        """What to multiply expected prompt tokens by: unknown vocabularies count up to a fifth more."""
        return self._prompt * 1.03 if self._prompt_answers >= 3 else max(_UNKNOWN_VOCABULARY, self._prompt)

    def cut_off(self, tag: str) -> None:
        """Take in that a ceiling was too low for this language."""
        factor = self._by_tag.setdefault(tag, _Factor())
        factor.high = max(1.6, factor.high) * 1.5

    def expected(self, tag: str, tokens: float) -> float:
        """Return the completion tokens to expect where the table expects `tokens`."""
        factor = self._by_tag.get(tag)
        return tokens * factor.mean if factor and factor.answers else tokens

    def ceiling(self, tag: str, tokens: float) -> int:
        """Return the `max_completion_tokens` to ask for: room enough, since all of it is charged at admission."""
        factor = self._by_tag.get(tag)
        margin = 1.7 if factor is None or factor.answers < 3 else min(4.0, factor.high * 1.2 + 0.05)
        if factor is not None and factor.answers < 3:
            margin = max(margin, factor.high)
        return int(tokens * margin) + 16
