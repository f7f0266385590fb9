"""Which lanes may serve a language group at this moment: the route made alive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from ketl.engine.request import LEFT, Moved
from ketl.provider.lane import Lane
from ketl.results.waiting_words import spent_in_words


@dataclass(frozen=True, slots=True)
class LaneRoute:
    """The lanes of one group: the whole chain in order, and those that serve side by side from the start."""

    chain: tuple[Lane, ...]
    serving: tuple[Lane, ...]


class LaneRoutes:
    """The routes of one run by group."""

    def __init__(self, routes: Mapping[str, LaneRoute]) -> None:
        self._routes = routes

    def serving(self, group: str, now: float) -> list[Lane]:
        """Return the lanes that serve a group now: those planned, else the first of the chain that can.

        Empty when all are gone or spent; lanes that only closed for a while are named when nothing else is left.
        """
        route = self._routes[group]
        up = [x for x in route.serving if _usable(x, now) and x.closed_until <= now]
        if up:
            return up
        usable = [x for x in route.chain if _usable(x, now)]
        return [x for x in usable if x.closed_until <= now][:1] or usable

    def alive(self, group: str, now: float) -> bool:
        """Whether any lane of the chain can still serve the group."""
        return any(_usable(x, now) for x in self._routes[group].chain)

    def after(self, group: str, lane: Lane, now: float) -> Lane | None:
        """Return the next usable lane of the chain after `lane`, wrapping round; None when it is the only one."""
        chain = self._routes[group].chain
        at = next((i for i, entry in enumerate(chain) if entry is lane), -1)
        return next((x for x in chain[at + 1 :] + chain[: max(at, 0)] if _usable(x, now)), None)

    def stands_in_for(self, group: str, lane: Lane, now: float, too_long: Callable[[float, str], bool]) -> Moved | None:
        """Return in place of which planned lane another one serves a group now, None when `lane` does what it was to.

        Where several serve side by side, the others take over what one of them cannot do. `too_long` tells of the
        seconds that a limit holds, and of its kind, whether that is more than a run waits.
        """
        planned = self._routes[group].serving
        for other in planned:
            if other is lane:
                continue
            name = other.model.id
            wait_s, kind = other.books.delay(1.0, 1.0, now)
            if other.gone is not None:
                return Moved(other, LEFT, f"The model {name} is no longer available")
            if too_long(wait_s, kind):
                return Moved(other, LEFT, _sentence(spent_in_words(name, kind, wait_s)))
            if other.exhausted_until > now:
                return Moved(other, LEFT, _sentence(other.left_for))
            if other.closed_until > now:
                return Moved(other, other.closed_for, f"{name} {other.closed_for}")
        if lane in planned:
            return None
        return Moved(planned[0], "", f"{planned[0].model.id} {planned[0].closed_for or 'is not available'}")

    def length(self, group: str) -> int:
        """Return how many lanes the chain of a group has."""
        return len(self._routes[group].chain)

    def back_s(self, group: str, now: float) -> float | None:
        """Return the seconds until the first spent lane of a group returns, None when none is spent."""
        waits = [x.exhausted_until - now for x in self._routes[group].chain if x.gone is None]
        return min((wait for wait in waits if wait > 0), default=None)

    def of(self, lane: Lane) -> Iterator[tuple[str, bool]]:
        """Yield the groups whose chain holds `lane`, with whether it was planned to serve there."""
        for group, route in self._routes.items():
            if lane in route.chain:
                yield group, lane in route.serving


def _sentence(reason: str) -> str:
    return reason[:1].upper() + reason[1:]


def _usable(lane: Lane, now: float) -> bool:
    return lane.gone is None and lane.exhausted_until <= now
