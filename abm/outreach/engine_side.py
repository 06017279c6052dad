"""The application's answers to the engine's questions (`campaigns.outside`), handed over once per process."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import Session

from abm.company.queries import get_company
from abm.outreach import answers, branch_rules, people, postal
from abm.outreach.countries import country_rules
from campaigns.consent_expiry import EXPRESS
from campaigns.definition_values import ACCOUNT_PARTNER
from campaigns.machine_rules import MachineRules
from campaigns.outside import Answer, CallRequest, Outside, Policy, Recipient, RedeemedOffer


class AccountPeople:
    """People over the account, contact and order tables."""

    def select_members(self, session: Session, *, list_name: str, roles: Sequence[str],
                       per_account: int | None, accounts: Collection[int] | None = None) -> Select[Any]:
        return people.select_list_people(list_name=list_name, roles=roles, per_account=per_account, accounts=accounts)

    def select_current(self, session: Session) -> Select[Any]:
        return people.select_current_people()

    def recipients(self, session: Session, contact_ids: Sequence[int]) -> dict[int, Recipient]:
        return people.get_recipients(session, contact_ids)

    def values(self, session: Session, contact_ids: Sequence[int]) -> dict[int, Mapping[str, Mapping[str, Any]]]:
        return people.get_content_values(session, contact_ids)

    def postal_addresses(self, session: Session, contact_ids: Sequence[int]) -> dict[int, tuple[str, ...]]:
        return postal.get_postal_addresses(session, contact_ids)

    def fitting(self, session: Session, rule: Mapping[str, Any], contact_ids: Sequence[int]) -> set[int]:
        return branch_rules.find_fitting(session, rule, contact_ids)

    def ordered_since(self, session: Session, accounts: Mapping[int, datetime]) -> set[int]:
        return people.find_accounts_that_ordered(session, accounts)

    def count_orders_since(self, session: Session, accounts: Select[int, datetime]) -> int:
        return people.count_orders_since(session, accounts)

    def external_ids(self, session: Session, contact_ids: Sequence[int]) -> dict[int, tuple[str, str, str]]:
        return people.get_external_ids(session, contact_ids)

    def tiers(self, session: Session, account_ids: Sequence[int]) -> dict[int, str]:
        return people.get_tiers(session, account_ids)

    def owners(self, session: Session, account_ids: Sequence[int]) -> dict[int, int]:
        return people.get_owners(session, account_ids)

    def keep_consent(self, session: Session, contact_id: int, *, source: str) -> None:
        from abm.contacts.actions import update_contact

        update_contact(session, contact_id=contact_id, values={"lawful_basis": "consent", "basis_source": source,
                                                               "consent_kind": EXPRESS})

    def family_values(self, session: Session, family_ids: Sequence[int]) -> dict[int, float]:
        return people.get_family_values(session, family_ids)

    def contacts_by_address(self, session: Session, address: str) -> list[tuple[int, int]]:
        return people.find_contacts_by_address(session, address)


class CallDesk:
    """Calls and visits become tasks of the sellers."""

    def place_calls(self, session: Session, requests: Sequence[CallRequest]) -> None:
        from abm.work.actions import create_call_tasks

        create_call_tasks(session, requests=requests)
        _give_to_partners(session, requests)

    def place_visits(self, session: Session, requests: Sequence[CallRequest]) -> None:
        from abm.work.actions import create_visit_tasks

        create_visit_tasks(session, requests=requests)
        _give_to_partners(session, requests)

    def is_promised(self, delivery_id: ColumnElement[int], *, after: datetime) -> ColumnElement[bool]:
        from abm.work.campaign_calls import is_promised

        return is_promised(delivery_id, after=after)

    def show_answer(self, session: Session, answer: Answer) -> None:
        from abm.work.reply_tasks import ask_to_answer

        answers.show_answer(session, answer)
        ask_to_answer(session, answer=answer)


def _give_to_partners(session: Session, requests: Sequence[CallRequest]) -> None:
    wanted = [request.delivery_id for request in requests if request.assign_to == ACCOUNT_PARTNER]
    if wanted:
        from abm.partners.actions import give_campaign_tasks

        give_campaign_tasks(session, origin_ids=wanted)


class OfferBook:
    """Offers are granted per account, with a code."""

    def grant(self, session: Session, *, offer: str, recipients: Sequence[tuple[int, int]],
              campaign_id: int) -> dict[int, Mapping[str, Any]]:
        from abm.offers.actions import grant_offers

        return dict(grant_offers(session, offer_name=offer, recipients=recipients, campaign_id=campaign_id))

    def redeemed(self, session: Session, campaign_id: int) -> list[RedeemedOffer]:
        from abm.offers.queries import list_redeemed

        return [RedeemedOffer(title, many, each) for title, many, each in list_redeemed(session, campaign_id)]


class CompanyRules:
    """The company's settings, as the engine needs them."""

    def policy(self, session: Session) -> Policy:
        company = get_company(session)
        return Policy(
            zone=company.timezone, country=company.country, working_days=company.working_days,
            working_from=company.working_from, working_to=company.working_to,
            account_points_7_days=company.account_points_7_days, account_points_30_days=company.account_points_30_days,
            person_touches_7_days=company.person_touches_7_days, person_touches_30_days=company.person_touches_30_days,
            lock_days_after_reply=company.lock_days_after_reply, channel_points=company.channel_points,
            channel_costs=company.channel_costs, country_rules=country_rules(company),
            machine_rules=MachineRules(company.machine_seconds, tuple(company.machine_networks)),
            is_sending_paused=company.is_sending_paused or bool(company.restored_at),
            second_approval_above=company.second_approval_above,
            account_points_by_tier={tier: (own[0], own[1]) for tier, own in company.account_points_by_tier.items()},
        )


def engine_side() -> Outside:
    """The four parts, stateless: safe to share between threads."""
    return Outside(people=AccountPeople(), desk=CallDesk(), offers=OfferBook(), company=CompanyRules())
