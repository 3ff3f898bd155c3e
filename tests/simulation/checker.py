"""The checker: holds a history against the invariants of PROMISES, one check for each.

A check goes through the history once and keeps only what its invariant is about; so each can be
read, and doubted, by itself. What they share is how code is excused: a worker that is taken for
dead while it lives goes on running code that nobody waits for any more.
"""

from tests.simulation.checks import elsewhere, pausing, running, stored, timely
from tests.simulation.checks.check import Check
from tests.simulation.history import History


def violations(history: History) -> list[str]:
    """Return all that is wrong with a history, each as a sentence after an invariant's id."""
    return [f"{name}: {what}" for name, check in CHECKS for what in check(history)]


CHECKS: list[tuple[str, Check]] = [
    ("S1", stored.accepted_jobs_are_kept),
    ("S2", running.one_run_at_a_time),
    ("S2", running.bound_jobs_stay_at_home),
    ("S3", stored.attempts_count_up),
    ("S3", running.what_must_not_be_repeated_is_not),
    ("S3", elsewhere.work_is_started_once),
    ("S4", stored.only_the_owner_writes),
    ("S5", stored.terminal_is_final),
    ("S6", stored.moves_are_published),
    ("S7", stored.results_belong_to_success),
    ("S8", stored.values_come_back),
    ("S9", running.cancelled_before_begun_never_begins),
    ("S10", running.stopped_means_stopped),
    ("S10", pausing.paused_code_takes_no_step),
    ("S10", pausing.paused_work_is_not_asked_about),
    ("S11", pausing.paused_jobs_keep_what_they_have),
    ("S12", running.limits_hold),
    ("S12", running.rates_hold),
    ("S13", running.order_is_kept),
    ("S15", stored.only_finished_jobs_go),
    ("S16", stored.ids_rise),
    ("S17", stored.starts_are_stored_once),
    ("S18", pausing.the_last_checkpoint_is_found),
    ("S18", pausing.what_succeeded_keeps_nothing),
    ("S19", stored.crashes_are_counted_truly),
    ("S19", stored.attempts_are_bounded),
    ("S19", stored.failures_say_why),
    ("S20", running.nothing_starts_before_its_time),
    ("S20", elsewhere.each_due_time_is_started_once),
    ("S21", running.keys_are_unique),
    ("S22", stored.events_are_whole),
    ("S23", stored.counts_add_up),
    ("S24", stored.reads_go_forward),
    ("L1", timely.claimable_jobs_begin),
    ("L1", timely.resumed_jobs_go_on),
    ("P5", timely.pauses_take_effect),
    ("L2", timely.orphans_are_rescued),
    ("L3", timely.cancels_take_effect),
    ("L3", timely.limits_of_time_are_kept),
    ("L5", timely.logs_are_calm),
    ("L6", timely.processes_end_in_time),
    ("L7", timely.everything_finishes),
    ("P4", elsewhere.the_other_side_is_told),
    ("D1", stored.the_file_is_sound),
    ("broken", timely.nothing_breaks),
]
