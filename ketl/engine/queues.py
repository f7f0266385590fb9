"""The requests of one run that wait to be sent: by language group, and those pinned to one lane."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator

from ketl.engine.request import Request
from ketl.provider.lane import Lane

_FRONT = -1e12
_Heap = list[tuple[float, int, Request]]


class Queues:
    """Longest first within a group; what was tried before goes to the front."""

    def __init__(self, groups: Iterable[str]) -> None:
        self._groups: dict[str, _Heap] = {group: [] for group in groups}
        self._pinned: dict[str, _Heap] = {}
        self._picked: _Heap | None = None
        self._sequence = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, request: Request, *, front: bool) -> None:
        """Add a request to its group's queue, or to that of the lane it is pinned to."""
        self._sequence += 1
        priority = _FRONT if front else -request.completion_est
        lane = request.lane
        heap = self._groups[request.group] if lane is None else self._pinned.setdefault(lane.model.id, [])
        heapq.heappush(heap, (priority, self._sequence, request))
        self._size += 1

    def pick(self, lane: Lane, serving: Callable[[str], list[Lane]]) -> bool:
        """Choose the queue that `lane` serves next, the longest for its lanes; False when it has none.

        `serving` returns the lanes that may serve a group now.
        """
        pinned = self._pinned.get(lane.model.id)
        if pinned:
            self._picked = pinned
            return True
        self._picked, most = None, 0.0
        for group, heap in self._groups.items():
            if heap:
                lanes = serving(group)
                if lane in lanes and len(heap) / len(lanes) > most:
                    most, self._picked = len(heap) / len(lanes), heap
        return self._picked is not None

    def peek(self) -> Request:
        """Return the first request of the queue that `pick` chose."""
        assert self._picked is not None
        return self._picked[0][2]

    def pop(self) -> None:
        """Take that request off its queue."""
        assert self._picked is not None
        heapq.heappop(self._picked)
        self._size -= 1

    def drain_group(self, group: str) -> Iterator[Request]:
        """Take every request of a group off its queue, first first."""
        yield from self._drain(self._groups[group])

    def drain_lane(self, lane: Lane) -> Iterator[Request]:
        """Take every request that is pinned to a lane off its queue."""
        yield from self._drain(self._pinned.get(lane.model.id, []))

    def drain(self) -> Iterator[Request]:
        """Take every request off its queue."""
        for heap in (*self._groups.values(), *self._pinned.values()):
            yield from self._drain(heap)

    def _drain(self, heap: _Heap) -> Iterator[Request]:
        while heap:
            self._size -= 1
            yield heapq.heappop(heap)[2]
