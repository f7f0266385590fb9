"""What became of a catalogue between the beginning of a run and its resume. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ketl._figures import counted


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogChanged:
    """The catalogue of a resumed run is not the one that the run began with.

    `name` is the file's; `texts_before` and `texts` are how many texts were chosen then and now, in English;
    `left_out` is how many translations of before are of texts that are no longer among them.
    """

    name: str
    texts_before: int
    texts: int
    left_out: int

    @property
    def sentence(self) -> str:
        """What a person is told: what changed, and what becomes of it."""
        said = f"The catalogue {self.name} has changed since this run began"
        if self.texts != self.texts_before:
            said += f" ({counted(self.texts_before, 'text')} to translate then, {self.texts:,} now)"
        said += ": what is new or changed in it is translated as well"
        if self.left_out:
            said += (
                f", and {counted(self.left_out, 'translation')} of what is no longer in it "
                f"{'is' if self.left_out == 1 else 'are'} left out"
            )
        return f"{said}."
