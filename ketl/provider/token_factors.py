"""How many tokens a model really uses against what the tables expect, learned by language."""

from __future__ import annotations

from dataclasses import dataclass

_UNKNOWN_VOCABULARY = 1.2
# An answer without a word tells only that the ceiling was too low, not by how much: one wide step and then
# down with what is seen costs fewer billed answers than doubling up to it.
_STARVED_WIDENING = 4.0
_FIRST_HIDDEN = 1_024.0  # a short text's ceiling says nothing of how much a model thinks
_MOST_HIDDEN = 16_384.0
_CUT_WIDENING = 1.5
_MOST_PROMPT = 10.0  # times the expected tokens: no vocabulary is so poor, so a larger figure is none
_MOST_CUT = 8.0  # times the expected tokens; an answer that rambles on must not widen all others without end
_CUT_DECAY = 0.99
_HIDDEN_MARGIN = 1.5
_HIDDEN_DECAY = 0.97


@dataclass(slots=True)
class _Factor:
    answers: int = 0
    mean: float = 1.0
    high: float = 0.0
    cut: float = 0.0


class TokenFactors:
    """Learns, by language, how many tokens a model really uses against what the tables expect."""

    def __init__(self) -> None:
        self._prompt = 1.0
        self._prompt_answers = 0
        self._by_tag: dict[str, _Factor] = {}
        self._hidden = 0.0
        self._starved_at = 0.0

    def learn_prompt(self, expected_prompt: float, prompt: float) -> None:
        """Take in what one prompt took against what was expected for it."""
        ratio = min(_MOST_PROMPT, prompt / max(1.0, expected_prompt))
        weight = max(0.05, 1.0 / (self._prompt_answers + 1))
        self._prompt += weight * (ratio - self._prompt)
        self._prompt_answers += 1

    def learn(self, tag: str, expected: float, completion: float, reasoning: float | None = None) -> None:
        """Take in what one whole answer took against what was expected for it, and how much of it was hidden."""
        if self._hidden:
            hidden = completion - expected if reasoning is None else reasoning
            self._hidden = max(_HIDDEN_MARGIN * max(hidden, self._starved_at), _HIDDEN_DECAY * self._hidden)
        factor = self._by_tag.setdefault(tag, _Factor())
        ratio = completion / max(1.0, expected)
        factor.mean += max(0.05, 1.0 / (factor.answers + 1)) * (ratio - factor.mean)
        factor.high = max(ratio, factor.high * 0.99)
        factor.cut *= _CUT_DECAY
        factor.answers += 1

    @property
    def prompt_mean(self) -> float:
        """What prompts took on average, by what was expected; 1 before the first answer."""
        return self._prompt

    @property
    def prompt(self) -> float:
        """What to multiply expected prompt tokens by: unknown vocabularies count up to a fifth more."""
        return self._prompt * 1.03 if self._prompt_answers >= 3 else max(_UNKNOWN_VOCABULARY, self._prompt)

    def cut_off(self, tag: str, expected: float, ceiling: float) -> None:
        """Take in that an answer in this language filled this ceiling and broke off; a burst of them says it once."""
        factor = self._by_tag.setdefault(tag, _Factor())
        factor.cut = max(factor.cut, min(_MOST_CUT, _CUT_WIDENING * ceiling / max(1.0, expected)))

    def starved(self, ceiling: float) -> None:
        """Take in that hidden reasoning used this ceiling up before more than a few words were written."""
        self._starved_at = max(self._starved_at, min(_MOST_HIDDEN, ceiling))
        widened = max(_FIRST_HIDDEN, _STARVED_WIDENING * ceiling)
        self._hidden = max(self._hidden, min(_MOST_HIDDEN, widened))

    @property
    def hidden(self) -> float:
        """The room that hidden reasoning was seen to need for an answer, in tokens; 0 where it never starved one."""
        return self._hidden

    def expected(self, tag: str, tokens: float) -> float:
        """Return the completion tokens to expect where the table expects `tokens`."""
        factor = self._by_tag.get(tag)
        return tokens * factor.mean if factor and factor.answers else tokens

    def forget_widening(self, tag: str) -> None:
        """Forget the room that answers which broke off asked for: with it, they broke off as well."""
        self._hidden = self._starved_at = 0.0
        if tag in self._by_tag:
            self._by_tag[tag].cut = 0.0

    def ordinary(self, tag: str, tokens: float) -> int:
        """Return the ceiling that whole answers call for, whatever others broke off at."""
        return int(tokens * self._margin(tag)) + 16

    def ceiling(self, tag: str, tokens: float, widening: float = 1.0) -> int:
        """Return the room for what is written: enough, since all of it is charged at admission.

        `widening` multiplies it for an answer that broke off.
        """
        factor, margin = self._by_tag.get(tag), self._margin(tag)
        wide = max(margin, factor.cut if factor is not None else 0.0) * widening
        return int(tokens * max(margin, min(wide, _MOST_CUT))) + 16

    def _margin(self, tag: str) -> float:
        factor = self._by_tag.get(tag)
        if factor is None or not factor.answers:
            return 1.7
        return max(1.7, factor.high) if factor.answers < 3 else min(4.0, factor.high * 1.2 + 0.05)
