"""When a step is due for a person, and whom a campaign means: what planning, waves and simulations share."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Select
from sqlalchemy.orm import Session

from campaigns import schedule
from campaigns.definition_values import Delay
from campaigns.facts import RunFacts
from campaigns.outside import Policy, Recipient, outside


@dataclass
class DueTimes:
    """When a step is due: `after` counted on the person's calendar, then the next opening; kept per calendar."""

    run: RunFacts
    policy: Policy
    known: dict[tuple[Any, ...], tuple[datetime, datetime]] = field(default_factory=dict)

    def due_at(self, delay: Delay, end: datetime, person: Recipient | None) -> datetime:
        """The first moment in the person's window that lies `delay` after `end`."""
        return self.meant_and_due(delay, end, person)[1]

    def meant_and_due(self, delay: Delay, end: datetime, person: Recipient | None) -> tuple[datetime, datetime]:
        """The moment `delay` after `end` whatever the window says, and the first one in it from then on."""
        zone, country = self._place(person)
        key = (delay, end, zone, country)
        if key not in self.known:
            hours = schedule.hours_of(self.run.definition.window, self.policy)
            meant = schedule.after(delay, end, zone=zone, weekdays=schedule.weekdays_of(self.policy.working_days),
                                   country=country if hours.skip_holidays else "")
            self.known[key] = meant, schedule.next_opening(hours, zone, meant, country)
        return self.known[key]

    def opening(self, moment: datetime, person: Recipient) -> datetime:
        """The first moment in the person's window from `moment` on."""
        zone, country = self._place(person)
        return schedule.next_opening(schedule.hours_of(self.run.definition.window, self.policy), zone, moment, country)

    def _place(self, person: Recipient | None) -> tuple[str, str]:
        if person is None:
            return schedule.zone_of(self.run.definition.window, recipient="", account="",
                                    company=self.policy.zone), self.policy.country
        return schedule.zone_of(self.run.definition.window, recipient=person.zone, account=person.account_zone,
                                company=self.policy.zone), person.country


def select_intended(session: Session, run: RunFacts, *, per_account: int | None,
                    accounts: Collection[int] | None = None) -> Select[Any]:
    """Everybody whom the definition means now, or those `accounts`' people; `per_account` None ignores its limit."""
    definition = run.definition
    return outside().people.select_members(session, list_name=definition.list_name, roles=definition.people.roles,
                                           per_account=per_account, accounts=accounts)
