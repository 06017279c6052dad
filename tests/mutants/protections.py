"""One protection each, as the exact text that holds it and the text without it, with the tests that must fail then.

Code that moves takes its entry along: `tests/promises/test_mutants.py` fails as soon as a text is not there any more.
"""

from dataclasses import dataclass

CLAIMS = "tests/promises/test_claims.py::"
WATCH = "tests/promises/test_watch.py::"
SENDING = "tests/promises/test_while_sending.py::"
SWEEPS = "tests/campaigns/test_sweeps.py::"
KILLS = "tests/faults/test_kills.py::"
PLANNING = "tests/campaigns/test_planning.py::"
HTTP = "tests/campaigns/sending/test_http.py::"
CAPS = "tests/campaigns/test_caps.py::"
SPOOL = "tests/campaigns/test_visit_spool.py::"


@dataclass(frozen=True, slots=True)
class Mutant:
    """`promise`: the invariant of docs/invariants.md that it breaks. `only`: the one database that shows it."""

    name: str
    promise: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]
    only: str = ""


MUTANTS: tuple[Mutant, ...] = (
    # claims and the hand-over commit
    Mutant("the fence is not asked for at the hand-over commit", "I5", "campaigns/outbox.py",
           "CASE WHEN delivery.state = 'claimed' AND delivery.fence = :fence THEN",
           "CASE WHEN delivery.state = 'claimed' AND :fence = :fence THEN",
           (CLAIMS + "test_rows_taken_away_are_refused_though_the_database_clock_went_back",)),
    Mutant("the state is not asked for at the hand-over commit", "I3", "campaigns/outbox.py",
           "CASE WHEN delivery.state = 'claimed' AND delivery.fence = :fence THEN",
           "CASE WHEN delivery.fence = :fence THEN",
           (CLAIMS + "test_what_was_cancelled_under_a_claim_is_not_handed_over",)),
    Mutant("a lease that is over still hands over", "I5", "campaigns/outbox.py",
           "return lease_until is not None and lease_until > clock.lease_now(session) and run_state == RunState.ACTIVE",
           "return lease_until is not None and run_state == RunState.ACTIVE",
           (CLAIMS + "test_a_claim_whose_lease_is_over_hands_nothing_over",)),
    Mutant("a paused run still hands over", "I8", "campaigns/outbox.py",
           "return lease_until is not None and lease_until > clock.lease_now(session) and run_state == RunState.ACTIVE",
           "return lease_until is not None and lease_until > clock.lease_now(session)",
           (CLAIMS + "test_a_paused_run_hands_nothing_over",)),
    Mutant("a lost lease is renewed", "I5", "campaigns/outbox.py",
           "Batch.id.in_(list(batch_ids)), Batch.is_open, Batch.lease_until > moment)",
           "Batch.id.in_(list(batch_ids)), Batch.is_open)",
           (CLAIMS + "test_a_lease_that_is_over_is_not_renewed",)),
    Mutant("two claims may take the same row", "I5", "campaigns/outbox.py",
           '("= ANY (ARRAY(", "FOR UPDATE SKIP LOCKED))")', '("= ANY (ARRAY(", "))")',
           (CLAIMS + "test_claims_made_at_once_never_take_the_same_row",), only="postgresql"),
    Mutant("what is unknown is claimed again", "I3", "campaigns/models/message.py",
           "Computed(\"state IN ('queued','deferred')\"", "Computed(\"state IN ('queued','deferred','unknown')\"",
           (CLAIMS + "test_what_is_unknown_is_never_claimed_again",)),
    # recording
    Mutant("the fence is not asked for when an outcome is recorded", "I5", "campaigns/recording.py",
           "CASE WHEN delivery.fence = v.fence AND (", "CASE WHEN (",
           (CLAIMS + "test_an_outcome_of_an_earlier_claim_changes_nothing",)),
    Mutant("the state is not asked for when an outcome is recorded", "I14", "campaigns/recording.py",
           "delivery.fence = v.fence AND (delivery.state = 'handing' OR ", "delivery.fence = v.fence AND (true OR ",
           (CLAIMS + "test_an_outcome_told_twice_is_recorded_once",)),
    Mutant("late proof of acceptance settles nothing", "I2", "campaigns/recording.py",
           "(delivery.state = 'unknown' AND v.state = 'sent')", "false",
           (CLAIMS + "test_proof_of_acceptance_settles_what_was_unknown",)),
    Mutant("attempts are not kept", "I14", "campaigns/recording.py",
           "    if not outcomes:\n        return\n    columns", "    if outcomes:\n        return\n    columns",
           (CLAIMS + "test_an_outcome_told_twice_is_recorded_once",)),
    Mutant("what was not taken keeps its touch", "I6", "campaigns/recording.py",
           "        caps.release_caps(session, unsent)\n", "",
           (CLAIMS + "test_what_a_relay_did_not_take_costs_no_touch",)),
    # the sending process
    Mutant("no lease is looked at before a message", "I5", "campaigns/watch.py",
           "moment < self._held_until.get(message.fence, 0.0) and moment", "moment",
           (WATCH + "test_not_once_the_lease_is_over",)),
    Mutant("a lease that could not be renewed is thought to hold", "I5", "campaigns/watch.py",
           "until if batch_id in ours else 0.0", "until",
           (WATCH + "test_not_when_the_lease_was_lost_and_could_not_be_renewed",)),
    Mutant("leases follow the wall clock", "I5", "core/clock.py",
           'return time.clock_gettime(_LEASE_CLOCK)', "return time.time()",
           (WATCH + "test_a_lease_is_measured_by_a_clock_that_nobody_sets",)),
    Mutant("a look for stops that is old is believed", "I7", "campaigns/watch.py",
           "and moment - self._seen_at < STALE_SECONDS", "",
           (WATCH + "test_not_when_nobody_has_looked_for_two_seconds",)),
    Mutant("a pause of the run is not seen before a message", "I8", "campaigns/watch.py",
           " and message.run_id not in self._stopped_runs", "", (WATCH + "test_not_when_its_run_is_paused",)),
    Mutant("a pause of all sending is not seen before a message", "I8", "campaigns/watch.py",
           "and not self.is_paused and", "and", (WATCH + "test_not_when_all_sending_is_paused",)),
    Mutant("the stop epoch is not looked at before a message", "I7", "campaigns/watch.py",
           "and message.epoch >= self.epoch ", "",
           (SENDING + "test_all_of_a_slice_is_stopped_and_not_only_the_next_one",
            WATCH + "test_not_after_a_stop_that_came_since_it_was_judged")),
    Mutant("a suppression does not raise the stop epoch", "I7", "campaigns/consent.py",
           "    if is_new:\n        stops.bump(session)\n", "    if is_new:\n        pass\n",
           (SENDING + "test_all_of_a_slice_is_stopped_and_not_only_the_next_one",)),
    Mutant("nothing is asked between envelope and content", "I7", "campaigns/channels/smtp_dialogue.py",
           "        if not self._desk.may_begin(message):\n", "        if False:\n",
           (CLAIMS + "test_a_stop_between_envelope_and_content_closes_without_a_dot",)),
    Mutant("a drop after the dot counts as not sent", "I3", "campaigns/channels/smtp_dialogue.py",
           "if begun is not None and self.line.sent < self._dot_at:", "if begun is not None:",
           ("tests/campaigns/test_smtp_faults.py::test_a_drop_after_the_dot_is_unknown_and_never_sent_again",)),
    Mutant("content leaves before its own 354", "I3", "campaigns/channels/smtp_dialogue.py",
           "        return not is_refused\n", "        return True\n",
           ("tests/campaigns/test_smtp_faults.py::test_one_bad_answer_leaves_the_other_messages_alone",)),
    Mutant("sending goes on when the disk is full", "I2", "campaigns/dispatch.py",
           "        if not has_room():  # its outcome", "        if False:  # its outcome",
           ("tests/campaigns/sending/test_room.py",)),
    Mutant("a message is begun though its lines in the journal may not fit", "I4", "campaigns/dispatch.py",
           "return self._journal.has_room() and self._watch.may_begin(message)",
           "return self._watch.may_begin(message)", ("tests/campaigns/sending/test_room.py",)),
    # the journal and the sweep
    Mutant("no line is written before the dot", "I3", "campaigns/channels/smtp_dialogue.py",
           "        self._journal.begun(message.delivery_id, message.fence, accepted=accepted)\n",
           "        if accepted:\n            self._journal.accepted(*accepted)\n",
           (KILLS + "test_killed_senders_lose_nothing_and_repeat_nothing",)),
    Mutant("no line is written when a message is accepted", "I4", "campaigns/channels/smtp_dialogue.py",
           "            self._accepted = (message.delivery_id, message.fence, reply.code)\n", "",
           (KILLS + "test_killed_senders_lose_nothing_and_repeat_nothing",)),
    Mutant("an accepted message waits for the next one to be written down", "I4", "campaigns/channels/smtp.py",
           "                one.dialogue.write_journal()\n", "                pass\n",
           ("tests/campaigns/sending/test_smtp_breaks.py::"
            "test_a_drop_before_the_dot_is_deferred_and_then_accepted_once",)),
    Mutant("a journal is not locked", "I5", "campaigns/journal.py",
           "        fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n", "",
           (SWEEPS + "test_a_living_process_keeps_its_claim_while_its_lease_holds",
            CLAIMS + "test_a_journal_is_never_there_without_its_lock")),
    Mutant("a journal bears its name before it is locked", "I4", "campaigns/journal.py",
           'unnamed = self._path.with_suffix(".new")', "unnamed = self._path",
           (CLAIMS + "test_a_journal_is_never_there_without_its_lock",)),
    Mutant("a frozen process is not waited for", "I3", "campaigns/sweeps.py",
           "if left.owner is Owner.ALIVE and left.overdue <= FROZEN_SECONDS:", "if False:",
           (KILLS + "test_a_frozen_sender_never_begins_another_message_once_its_lease_is_over",
            KILLS + "test_rows_of_a_frozen_sender_go_out_once_by_another")),
    Mutant("another host is not waited for", "I4", "campaigns/sweeps.py",
           "if left.owner is Owner.ELSEWHERE and left.overdue <= ELSEWHERE_SECONDS:", "if False:",
           (CLAIMS + "test_what_another_host_was_handing_over_is_unknown_a_minute_after_its_lease_and_not_before",)),
    Mutant("silence of a journal is proof after a power cut", "I3", "campaigns/sweeps.py",
           "is_whole = left.owner is Owner.DEAD and left.boot_id == clock.boot_id()",
           "is_whole = left.owner is Owner.DEAD", (SWEEPS + "test_after_a_power_cut_silence_proves_nothing",)),
    Mutant("a row is quarantined after one lone death", "I11", "campaigns/sweeps.py",
           "LONE_LOSSES_UNTIL_QUARANTINE = 2", "LONE_LOSSES_UNTIL_QUARANTINE = 1",
           ("tests/promises/test_poison.py::test_a_row_that_kills_its_worker_is_quarantined_after_two_lone_deaths",)),
    Mutant("a deadly row is never taken alone", "I11", "campaigns/turns.py",
           "return 1 if group.lone_losses else min(limit, SUSPECTS_AT_ONCE)", "return min(limit, SUSPECTS_AT_ONCE)",
           ("tests/promises/test_poison.py::test_a_row_that_kills_its_worker_is_quarantined_after_two_lone_deaths",)),
    # the gate, caps and stops
    Mutant("the suppression list is not asked at send time", "I7", "campaigns/gate.py",
           "        found.suppressed.get(due.contact_id)\n        or objection_to(", "        objection_to(",
           ("tests/campaigns/test_dispatch.py::test_a_suppressed_address_is_blocked_at_the_last_moment",)),
    Mutant("caps refuse nobody", "I6", "campaigns/caps.py",
           "            if refusal:\n                refused[due.id] = refusal\n", "",
           (SENDING + "test_sixteen_workers_reach_the_cap_of_an_account_and_never_pass_it",
            CAPS + "test_sixteen_workers_take_exactly_the_hundred_points_of_one_account")),
    Mutant("caps are read without their lock", "I6", "campaigns/caps.py",
           "if not stripes or not is_postgres(session):", "if True:",
           (CAPS + "test_sixteen_workers_take_exactly_the_hundred_points_of_one_account",), only="postgresql"),
    Mutant("a delivery is counted twice against its cap", "I6", "campaigns/models/message.py",
           "delivery_id: Mapped[int | None] = mapped_column(Id, unique=True)",
           "delivery_id: Mapped[int | None] = mapped_column(Id)",
           (CAPS + "test_taking_twice_for_one_delivery_counts_once",)),
    Mutant("what is being handed over can be cancelled", "I14", "campaigns/stopping.py",
           "DeliveryState.CLAIMED,\n             DeliveryState.RENDERED)",
           "DeliveryState.CLAIMED,\n             DeliveryState.RENDERED, DeliveryState.HANDING)",
           ("tests/campaigns/test_progress.py::test_what_is_being_handed_over_cannot_be_called_back",)),
    # the intent exists once
    Mutant("the same intent may exist twice", "I3", "campaigns/models/message.py",
           '        UniqueConstraint("contact_id", "run_id", "position", "generation"),\n', "",
           (CLAIMS + "test_the_database_itself_refuses_the_same_intent_twice",)),
    Mutant("one mailbox may be meant twice", "I3", "campaigns/models/message.py",
           '        UniqueConstraint("run_id", "position", "address_key", "generation"),\n', "",
           (PLANNING + "test_the_database_itself_refuses_the_same_mailbox_twice",)),
    Mutant("planning does not look for a shared mailbox", "I3", "campaigns/planning.py",
           "        if objection is None and key in used:\n", "        if False:\n",
           (PLANNING + "test_two_people_with_one_mailbox_get_one_message",)),
    Mutant("an address that changed since the plan is not looked at", "I3", "campaigns/preparing.py",
           "if batch.channel == Channel.EMAIL else {}\n    return", "if False else {}\n    return",
           ("tests/campaigns/test_dispatch.py::"
            "test_two_whose_addresses_became_the_same_since_the_plan_get_one_message",)),
    Mutant("the checkpoint is committed before its chunk", "I2", "campaigns/planning.py",
           "    came = Entry(EnrolmentOrigin.REENTRY",
           "    if seen:\n        run.enrolled_up_to = seen[-1].contact_id\n        session.flush()\n"
           "        for word in ('COMMIT', 'BEGIN'):\n            session.connection().exec_driver_sql(word)\n"
           "    came = Entry(EnrolmentOrigin.REENTRY",
           (PLANNING + "test_planning_goes_on_after_a_crash_where_it_was",)),
    Mutant("the Message-ID is another one for each try", "I3", "campaigns/message_ids.py",
           "keyed_digest('message-id', str(delivery_id))[:32]", "__import__('uuid').uuid4().hex",
           ("tests/promises/test_claims.py::test_every_try_of_a_delivery_bears_the_same_message_id",)),
    Mutant("a provider is asked with another key each time", "I3", "campaigns/channels/providers.py",
           "keyed_digest('idempotency', str(delivery_id))", "__import__('uuid').uuid4().hex",
           (HTTP + "test_one_fault_is_asked_again_with_the_same_key_and_nothing_is_made_twice",)),
    # events, ticks, ends
    Mutant("an event may be stored twice", "I9", "campaigns/models/event.py",
           "event_key: Mapped[str] = mapped_column(String(120), unique=True)",
           "event_key: Mapped[str] = mapped_column(String(120))",
           ("tests/campaigns/test_receipts.py::test_the_same_file_twice_counts_once",)),
    Mutant("the last event wins, whatever its rank", "I9", "campaigns/events.py",
           "if rank < _RANK[target])", "if rank != _RANK[target])",
           ("tests/promises/test_rules.py::test_ten_thousand_orders_of_events_make_no_difference",)),
    Mutant("events that came before the hand-over was recorded are forgotten", "I9", "campaigns/recording.py",
           "    apply_earlier_events(session, [", "    _ = (session, [",
           ("tests/campaigns/test_event_order.py::"
            "test_what_a_wrong_clock_told_before_the_hand_over_was_recorded_counts",)),
    Mutant("a slot of time may be taken twice", "I12", "core/jobs/ticks.py",
           "return session.execute(taken.returning(Tick.slot)).first() is not None",
           "session.execute(taken)\n    return True",
           ("tests/promises/test_schedulers.py::test_a_clock_that_jumps_back_waits_and_repeats_nothing",
            "tests/core/test_jobs.py::test_one_of_five_schedulers_gets_each_slot")),
    Mutant("a run is finished though deliveries are open", "I10", "campaigns/finishing.py",
           "    return session.scalar(delivery) is not None\n", "    return False\n",
           (CLAIMS + "test_no_run_is_finished_while_a_delivery_is_open",)),
    # visits, and processes that outlive their parent
    Mutant("visits that wait for the database are not written down", "I9", "campaigns/visit_log.py",
           "                    self._open_spool().add([*held, *moved])\n", "                    pass\n",
           (SPOOL + "test_visits_of_a_process_that_was_killed_while_the_database_was_away_are_kept_once",)),
    Mutant("a visit gets another key each time it is stored", "I9", "campaigns/visits.py",
           "one.key or new_key(one.kind, one.delivery_id), \"delivery_id\"",
           "new_key(one.kind, one.delivery_id), \"delivery_id\"",
           (SPOOL + "test_a_commit_that_nobody_heard_of_counts_once",)),
    Mutant("visits of a living process are taken up", "I9", "campaigns/visit_spool.py",
           "        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)\n        unnamed", "        unnamed",
           (SPOOL + "test_what_is_taken_up_is_what_was_seen_but_for_values_of_the_person",)),
    Mutant("who lost its parent before it asked the kernel works on", "I5", "core/jobs/parent.py",
           "if os.getppid() != parent:", "if False:",
           ("tests/core/test_jobs.py::test_a_child_whose_parent_died_before_it_could_ask_the_kernel_ends_by_itself",)),
    # restored copies
    Mutant("a restored copy does not stop what was ready", "I7", "campaigns/restoring.py",
           "    stops.bump(session)\n", "",
           (CLAIMS + "test_a_restored_copy_makes_every_process_ask_the_gate_again",)),
    Mutant("a restored copy queues what was on its way", "I3", "campaigns/restoring.py",
           "Outcome(row.id, row.fence, Result.UNKNOWN, PHASE", "Outcome(row.id, row.fence, Result.RETURNED, PHASE",
           ("tests/abm/installation/test_backup.py::test_what_was_in_flight_is_settled_in_the_copy",)),
)
