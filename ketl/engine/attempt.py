"""One try at a request in one lane, from admission to its answer."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from ketl.engine.answers import Grade
from ketl.engine.request import Request, Size
from ketl.engine.work import Work
from ketl.prompts.replies import Parsed, parse_reply
from ketl.provider.books import Charge
from ketl.provider.lane import Lane
from ketl.provider.protocol import Reply


@dataclass(slots=True, eq=False)
class Attempt:
    """One try at a request of a run's work in one lane, from admission to its answer.

    `numbers` are those of the windows it was sent through; `ended` is why it was cancelled from outside (timeout,
    superseded or cancelled), empty otherwise; `parsed` and `grades` are there when a long answer was read in a thread.
    """

    work: Work
    request: Request
    lane: Lane
    charge: Charge
    size: Size
    started: float
    kind: str
    numbers: tuple[int, int]
    task: asyncio.Task[None] | None = None
    begun: bool = False
    ended: str = ""
    parsed: Parsed | None = None
    grades: dict[str, Grade] | None = None

    def read(self, reply: Reply) -> None:
        """Read and judge a long answer; for a thread beside the loop."""
        self.parsed = parse_reply(reply.content, self.request.keys, reply.finish_reason)
        self.grades = self.work.grade(self.request, self.parsed)
