"""Everything that can happen to messages, in any order, over the real database and the real code; after each step the
promises of docs/invariants.md must hold."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlalchemy import delete, func, select, update

from abm.all_models import metadata
from abm.company.actions import set_company_value
from campaigns import consent, editing, planning_jobs, resending, sweeps
from campaigns.channels.base import Outgoing
from campaigns.error_rates import pause_failing_runs
from campaigns.events import Said, apply_late_events
from campaigns.models import Batch, Campaign, Delivery, Enrolment, Run, Touch
from campaigns.receipts import Receipt, apply_receipt
from campaigns.states import BOOK_OF_STATE, OPEN_STATES
from core import clock
from core.db import is_postgres, reading, transaction
from core.errors import Refused
from core.settings import settings
from tests.outbox_factory import add_people, lift_caps, make_run
from tests.promises.books import find_faults, find_faults_at_rest
from tests.promises.senders import HandMovedSender, Relay

PEOPLE, ACCOUNTS, CAP = 9, 3, 2
OBEYED_WITHIN, MOST_PROCESSES = 2.0, 3
WHICH = st.integers(0, MOST_PROCESSES - 1)
ANSWERS = st.sampled_from(("250", "250", "250", "451", "550", "dropped", "dropped before the dot", "silence"))
some_process = precondition(lambda self: bool(self.living))
START = datetime(2026, 3, 11, 12, tzinfo=UTC)
KINDS = ("delivered", "bounce_hard", "bounce_soft", "blocked", "complaint", "open", "click", "auto_reply", "reply")
_KEPT = {"alembic_version"}


class World:
    """Two clocks and a boot id that are moved by hand, put in the place of the real ones."""

    def __init__(self, folder: Path, patch: Callable[[str, object], None]) -> None:
        self.now, self.lease, self.boot = START, 1_000_000.0, "boot-1"
        self.elsewhere = folder / "another-host"
        clock.set_clock(lambda: self.now)
        patch("lease_now", lambda _session: self.lease)
        patch("host_lease_clock", lambda: self.lease)
        patch("boot_id", lambda: self.boot)

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.lease += seconds


def empty_the_tables() -> None:
    with transaction() as session:
        if is_postgres(session):
            session.connection().exec_driver_sql("SET session_replication_role = replica")
        for table in reversed(metadata.sorted_tables):
            session.execute(delete(table))


class Outbox(RuleBasedStateMachine):
    """One campaign to a few people at a few accounts with a cap; several sending processes; one relay."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world, self.relay = world, Relay(self._begins)
        world.now, world.boot = START, "boot-1"
        self.intended, self.living = PEOPLE, []
        self.may_be_unknown: set[int] = set()
        self.stopped_at: dict[int, float] = {}
        self.halted_at: float | None = None
        self.count = 0
        empty_the_tables()

    @initialize()
    def launch(self) -> None:
        with transaction() as session:
            lift_caps(session)
            set_company_value(session, name="account_points_7_days", value=CAP)
            self.running = make_run(session)
            add_people(session, self.running, PEOPLE, accounts=ACCOUNTS)
            session.execute(update(Enrolment).values(next_position=1))
        self.start_a_process(is_elsewhere=False)

    # processes

    @precondition(lambda self: len(self.living) < MOST_PROCESSES)
    @rule(is_elsewhere=st.sampled_from((False, False, True)))
    def start_a_process(self, is_elsewhere: bool) -> None:
        self.count += 1
        folder = self.world.elsewhere if is_elsewhere else settings().journal_dir
        sender = HandMovedSender(self.relay, folder, name=f"sender-{self.count}")
        sender.look()
        self.living.append(sender)

    @some_process
    @rule(which=WHICH, renews=st.booleans())
    def look_for_stops(self, which: int, renews: bool) -> None:
        sender = self._living(which)
        if renews:
            sender.renew()
        sender.look()

    @some_process
    @rule(which=WHICH)
    def go_on(self, which: int) -> None:
        """One step: claim and render, or commit the hand-over, or begin a message, or record."""
        sender = self._living(which)
        if sender.ready is not None:
            sender.commit()
        elif sender.carrier and sender.carrier.waits and sender.begun is None:
            sender.carrier.begin_next()
        elif sender.begun is None:
            sender.record()
            sender.prepare()

    @some_process
    @rule(which=WHICH, answers=st.lists(ANSWERS, min_size=1, max_size=6), records=st.booleans())
    def send_some(self, which: int, answers: list[str], records: bool) -> None:
        """As a process does that nothing disturbs; the last message that was begun stays without an answer."""
        sender = self._living(which)
        sender.renew()
        sender.look()
        for answer in answers:
            if sender.begun:
                self._answer(sender, answer)
            if sender.ready is None and not (sender.carrier and sender.carrier.waits):
                sender.prepare()
            if sender.ready is not None:
                sender.commit()
            if sender.carrier and sender.carrier.waits and sender.begun is None:
                sender.carrier.begin_next()
        if records:
            sender.record()

    @some_process
    @rule(which=WHICH, answer=ANSWERS)
    def answer(self, which: int, answer: str) -> None:
        sender = self._living(which)
        if sender.begun:
            self._answer(sender, answer)

    def _answer(self, sender: HandMovedSender, answer: str) -> None:
        if answer == "silence":
            sender.carrier.take_in_silence()
        elif answer == "dropped before the dot" and not sender.carrier.is_accepted:
            sender.carrier.drop_before_dot()
        elif answer.startswith("dropped"):
            self.may_be_unknown.add(sender.begun.delivery_id)
            sender.carrier.answer(0)
        else:
            sender.carrier.answer(int(answer))

    @some_process
    @rule(which=WHICH, is_killed=st.booleans())
    def end_a_process(self, which: int, is_killed: bool) -> None:
        """What another host was handing over cannot be known; here the journal knows all but what was begun."""
        sender = self._living(which)
        if is_killed and self._is_elsewhere(sender):
            self._may_be_unknown(self._handing(sender))
        elif sender.begun:
            self.may_be_unknown.add(sender.begun.delivery_id)
        if is_killed:
            sender.die()
        else:
            sender.end()
        self.living.remove(sender)

    @rule(lines=st.integers(0, 3))
    def cut_the_power(self, lines: int) -> None:
        """Every process dies, the journals lose their last lines, the host's lease clock begins anew."""
        self._may_be_unknown(self._left_behind())
        for sender in self.living:
            sender.die()
            written = sender.journal._path.read_bytes().splitlines(keepends=True)
            sender.journal._path.write_bytes(b"".join(written[:len(written) - lines]))
        self.living.clear()
        self.world.boot = f"boot-{self.count}-{self.world.now}"
        if settings().is_sqlite:
            self.world.lease = 100.0 + self.count
            self.stopped_at = dict.fromkeys(self.stopped_at, self.world.lease)

    # time and looking after

    @rule(seconds=st.sampled_from((1.0, 3.0, 20.0, 35.0, 100.0, 700.0, 20_000.0)))
    def time_passes(self, seconds: float) -> None:
        if seconds > 600:  # a process that is frozen for so long is given up; what it had in hand is then in doubt
            for sender in self.living:
                self._may_be_unknown(self._handing(sender))
        elif seconds > 60:
            for sender in self.living:
                if self._is_elsewhere(sender):
                    self._may_be_unknown(self._handing(sender))
        self.world.pass_by(seconds)

    @rule()
    def look_after_everything(self) -> None:
        sweeps.settle_left_batches()
        sweeps.remove_forgotten_journals()
        sweeps.give_up_on_unknown()
        with transaction() as session:
            apply_late_events(session)
            pause_failing_runs(session)
        planning_jobs.advance_runs()

    # the outside and people

    @rule(number=st.integers(0, PEOPLE), kind=st.sampled_from(KINDS), repeats=st.integers(1, 2))
    def something_comes_back(self, number: int, kind: str, repeats: int) -> None:
        """About a message that was accepted; also before that is recorded, and more than once."""
        accepted = sorted(self.relay.accepted)
        if not accepted:
            return
        identity = accepted[number % len(accepted)]
        for _ in range(repeats):
            with transaction() as session:
                delivery = session.scalars(select(Delivery).where(Delivery.message_id == identity)).one()
                apply_receipt(session, delivery=delivery, receipt=Receipt(kind, "unmatched"), said=Said(text="so"),
                              event_key=f"{kind}:{delivery.id}")
                if kind in ("bounce_hard", "complaint", "reply"):
                    self.stopped_at.setdefault(delivery.contact_id, self.world.lease)

    @rule(number=st.integers(0, PEOPLE - 1), all_of_account=st.booleans())
    def stop_somebody(self, number: int, all_of_account: bool) -> None:
        with transaction() as session:
            row = session.scalars(select(Delivery).order_by(Delivery.contact_id)).all()[number]
            if all_of_account:
                consent.suppress_account(session, account_id=row.account_id, reason="asked")
            else:
                consent.unsubscribe(session, delivery_id=row.id)
            whom = Delivery.account_id == row.account_id if all_of_account else Delivery.contact_id == row.contact_id
            for contact_id in session.scalars(select(Delivery.contact_id).where(whom)):
                self.stopped_at.setdefault(contact_id, self.world.lease)

    @rule(verb=st.sampled_from((editing.pause, editing.resume, editing.resume, editing.cancel)))
    def change_the_campaign(self, verb: Callable[..., Campaign]) -> None:
        if verb is not editing.cancel or self.count > MOST_PROCESSES:
            self._change(verb)

    @rule(number=st.integers(0, PEOPLE - 1), arrived=st.booleans())
    def settle_by_hand(self, number: int, arrived: bool) -> None:
        with reading() as session:
            doubtful = [row.id for row in resending.list_in_doubt(session, self.running.campaign_id)]
        if not doubtful:
            return
        decide = resending.confirm_arrival if arrived else resending.resend
        try:
            with transaction() as session:
                decide(session, delivery_id=doubtful[number % len(doubtful)], by="Mia")
                session.info.pop("after_commit", None)
        except Refused:
            return
        self.intended += not arrived

    # the promises

    def _begins(self, message: Outgoing) -> None:
        """I5, I7, I8: whoever begins a message holds its claim, and nothing has forbidden it for two seconds."""
        with reading() as session:
            batch = session.get_one(Batch, message.fence)
            row = session.get_one(Delivery, message.delivery_id)
            assert batch.is_open, "I5: a claim that was taken away began a message"
            assert batch.lease_until > self.world.lease, "I5: a claim that was over began a message"
            assert (row.state, row.fence) == ("handing", message.fence), "I5: somebody else's row was begun"
            stopped = self.stopped_at.get(row.contact_id, self.world.lease)
        assert self.world.lease - stopped <= OBEYED_WITHIN, "I7: begun long after a stop"
        halted = self.world.lease if self.halted_at is None else self.halted_at
        assert self.world.lease - halted <= OBEYED_WITHIN, "I8: begun long after a pause"

    @invariant()
    def the_books_are_right(self) -> None:
        with reading() as session:
            faults = list(find_faults(session, intended=self.intended, accepted=self.relay.accepted))
            rows = session.execute(select(Delivery.id, Delivery.message_id, Delivery.state, Delivery.account_id)).all()
            points = session.execute(select(Touch.account_id, func.sum(Touch.points)).where(
                Touch.at > self.world.now - timedelta(days=7)).group_by(Touch.account_id)).all()
        faults += [f"I3: {row.id} was accepted and is {row.state}" for row in rows
                   if self.relay.accepted[row.message_id] and row.state != "handing"
                   and BOOK_OF_STATE[row.state] not in ("sent", "unknown")]
        faults += [f"I4: {row.id} is unknown for no reason" for row in rows
                   if row.state in ("unknown", "unknown_final") and row.id not in self.may_be_unknown]
        faults += [f"I6: {used} points at account {account}" for account, used in points if used > CAP]
        assert faults == []

    def teardown(self) -> None:
        """In the end everybody stops, all is swept, and another process sends what is left: nothing stays open."""
        for sender in self.living:
            if sender.begun:
                self.may_be_unknown.add(sender.begun.delivery_id)
            sender.end()
        self.living.clear()
        self._change(editing.resume)
        for _ in range(8):
            self.world.pass_by(8 * 24 * 3_600)
            self._may_be_unknown(self._left_behind())
            self.look_after_everything()
            self._send_all()
            self._change(editing.resume)
        self.look_after_everything()
        with reading() as session:
            faults = list(find_faults_at_rest(session, intended=self.intended, accepted=self.relay.accepted))
            open_rows = session.scalars(select(Delivery.state).where(Delivery.state.in_(OPEN_STATES))).all()
            run_state = session.get_one(Run, self.running.run_id).state
        self.the_books_are_right()
        assert (faults, open_rows) == ([], [])
        assert run_state in ("finished", "cancelled")
        for left in self.world.elsewhere.glob("*.journal"):
            left.unlink()

    def _send_all(self) -> None:
        sender = HandMovedSender(self.relay, settings().journal_dir, name="last")
        sender.look()
        for _ in range(PEOPLE * 3):
            sender.prepare()
            while sender.ready is not None:
                sender.commit()
            while sender.carrier and sender.carrier.waits:
                sender.carrier.begin_next()
                if sender.begun:
                    sender.carrier.answer(250)
            sender.record()
        sender.end()

    def _change(self, verb: Callable[..., Campaign]) -> bool:
        """Pause, resume or cancel; False where that is refused."""
        try:
            with transaction() as session:
                verb(session, campaign=session.get_one(Campaign, self.running.campaign_id))
                session.info.pop("after_commit", None)
        except Refused:
            return False
        self.halted_at = None if verb is editing.resume else self.world.lease
        return True

    def _living(self, which: int) -> HandMovedSender:
        return self.living[which % len(self.living)]

    def _is_elsewhere(self, sender: HandMovedSender) -> bool:
        return sender.journal._path.parent == self.world.elsewhere

    def _handing(self, sender: HandMovedSender) -> list[int]:
        with reading() as session:
            return list(session.scalars(select(Delivery.id).join(Batch, Batch.id == Delivery.batch_id).where(
                Delivery.state == "handing", Batch.worker == sender.name)))

    def _left_behind(self) -> list[int]:
        with reading() as session:
            return list(session.scalars(select(Delivery.id).where(Delivery.state == "handing")))

    def _may_be_unknown(self, delivery_ids: Iterable[int]) -> None:
        self.may_be_unknown.update(delivery_ids)
