"""The ways out that one process has open: a carrier for each, answered for together."""

from collections.abc import Callable, Sequence
from datetime import datetime

from campaigns.channels.base import Carrier, Outcome, Outgoing
from campaigns.sending.circuit import Opening
from campaigns.sending.routes import Route

OpenRoute = Callable[[Route], Carrier]
Way = tuple[int, datetime | None]


class Fleet:
    """Opens a carrier at the first message for its way and keeps it; a changed identity gets a new one."""

    def __init__(self, open_route: OpenRoute) -> None:
        self._open_route = open_route
        self._carriers: dict[Way, Carrier] = {}
        self._health_ids: dict[Way, int] = {}

    def hand_over(self, route: Route, messages: Sequence[Outgoing]) -> None:
        if route.way not in self._carriers:
            self._carriers[route.way] = self._open_route(route)
            self._health_ids[route.way] = route.health_id
        self._carriers[route.way].hand_over(messages)

    def outcomes(self, wait: float) -> list[Outcome]:
        """What became known over all ways, waiting up to `wait` seconds for something."""
        carriers = list(self._carriers.values())
        known = [outcome for one in carriers for outcome in one.outcomes(wait if len(carriers) == 1 else 0.0)]
        busy = [one for one in carriers if one.in_hand() or one.in_slow_lane()]
        if known or len(carriers) == 1 or not wait:
            return known
        return [outcome for one in busy for outcome in one.outcomes(wait / len(busy))]

    def openings(self) -> dict[int, list[Opening]]:
        """How connections fared since the last call, by the id that their circuit breaker is kept under."""
        found: dict[int, list[Opening]] = {}
        for way, carrier in self._carriers.items():
            if fared := carrier.openings():
                found.setdefault(self._health_ids[way], []).extend(fared)
        return found

    def in_hand(self) -> int:
        return sum(one.in_hand() for one in self._carriers.values())

    def in_slow_lane(self) -> int:
        return sum(one.in_slow_lane() for one in self._carriers.values())

    def close(self, grace: float) -> None:
        """Withdraw everywhere first, so that the ways end together and not one after the other."""
        for one in self._carriers.values():
            one.withdraw()
        for one in self._carriers.values():
            one.close(grace)
