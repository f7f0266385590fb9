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
        self._sequence = 0
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def push(self, request: Request, *, front: bool) -> None:
        """Add a request to its group's queue, or to that of the lane it is pinned to."""
        self._sequence += 1
        priority = _FRONT if front else -request.completion_est
        heapq.heappush(self._of(request), (priority, self._sequence, request))
        self._size += 1

    def pick(self, lane: Lane, serving: Callable[[str], list[Lane]]) -> Request | None:
        """Return what `lane` would send next, off the queue that is longest for its lanes; None when there is none.

        `serving` returns the lanes that may serve a group now.
        """
        pinned = self._pinned.get(lane.model.id)
        if pinned:
            return pinned[0][2]
        longest, most = None, 0.0
        for group, heap in self._groups.items():
            if heap:
                lanes = serving(group)
                if lane in lanes and len(heap) / len(lanes) > most:
                    most, longest = len(heap) / len(lanes), heap
        return longest[0][2] if longest else None

    def pop(self, request: Request) -> None:
        """Take this request off its queue; raises ValueError when it stands in none."""
        heap = self._of(request)
        if heap and heap[0][2] is request:
            heapq.heappop(heap)
        else:
            at = next((i for i, entry in enumerate(heap) if entry[2] is request), None)
            if at is None:
                raise ValueError(f"request {request.number} waits in no queue")
            heap[at] = heap[-1]
            heap.pop()
            heapq.heapify(heap)
        self._size -= 1

    def _of(self, request: Request) -> _Heap:
        if request.lane is None:
            return self._groups[request.group]
        return self._pinned.setdefault(request.lane.model.id, [])

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
