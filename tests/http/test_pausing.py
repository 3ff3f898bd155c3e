"""Pausing and resuming over HTTP: each condition of the published table, at both faces."""

import threading

import pytest

from offload import Context, Done, current
from tests.http.conftest import Open
from tests.http.site import ABSENT_ID, Answer, Site
from tests.support import eventually

pytestmark = pytest.mark.slow


def both(job_id: int, verb: str) -> tuple[str, str]:
    """The two targets of a verb: the brief's, and the one under v1."""
    return f"/{verb}?id={job_id}", f"/v1/jobs/{job_id}/{verb}"


def told(answer: Answer) -> tuple[int, str, bool]:
    """The status, and what the job says."""
    return answer.status, answer.json["state"], answer.json["changed"]


def paused(site: Site) -> int:
    """Start a job that runs, and pause it."""
    [job_id] = site.held()
    assert site.post(f"/pause?id={job_id}").status == 202
    site.reaches(job_id, "paused")
    return job_id


class Far:
    """A task whose code is far from its next checkpoint, until it is let there."""

    def __init__(self, site: Site) -> None:
        self.may_come = threading.Event()

        @site.app.task(executor="thread")
        def far(ctx: Context) -> str:
            """Come to a checkpoint only when it is let there."""
            self.may_come.wait(60)
            ctx.checkpoint()
            return "done"

        self.job_id = site.start("/start/far")
        site.reaches(self.job_id, "running")


# --- pause


@pytest.mark.promise("S9")
def test_pause_of_a_queued_or_scheduled_job_is_200_held(open_site: Open) -> None:
    site = open_site(work=False)
    for number in (0, 1):
        queued = site.start("/start/add?a=1")
        late = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"delay": 3600}})
        for job_id in (queued, late):
            first, again = (site.post(both(job_id, "pause")[number]) for _ in range(2))

            assert told(first) == (200, "paused", True)
            assert told(again) == (200, "paused", False)
            assert first.json["pause"]["mode"] == "held"
            assert {"resume", "cancel"} <= first.json["links"].keys()
            assert "pause" not in first.json["links"]


def test_pause_of_a_running_job_is_202_until_it_stands_still_and_then_200(open_site: Open) -> None:
    site = open_site()
    for number in (0, 1):
        [job_id] = site.held()
        target = both(job_id, "pause")[number]

        first = site.post(target, {"reason": "the disk is full"})
        site.reaches(job_id, "paused")
        again = site.post(target)

        assert told(first) == (202, "pausing", True)
        assert told(again) == (200, "paused", False)
        shown = again.json["pause"]
        assert (shown["mode"], shown["reason"], shown["door"]) == (
            "frozen",
            "the disk is full",
            "http",
        )
        assert again.json["reason"] == "the disk is full"


def test_pause_of_a_waiting_job_comes_true_when_nobody_looks_any_more(open_site: Open) -> None:
    site = open_site()

    @site.app.polling(interval=0.02)
    def batch() -> int:
        """Start work elsewhere."""
        return 1

    @batch.check
    def look(handle: int) -> Done | None:
        return Done(2) if current().should_stop else None

    job_id = site.start("/start/batch")
    site.reaches(job_id, "waiting")

    first = site.post(f"/pause?id={job_id}")
    site.reaches(job_id, "paused")
    resumed = site.post(f"/resume?id={job_id}")
    site.reaches(job_id, "waiting")

    assert told(first) == (202, "pausing", True)
    assert told(resumed) == (202, "resuming", True)
    site.post(f"/cancel?id={job_id}")
    site.reaches(job_id, "cancelled")


def test_pause_again_while_it_is_under_way_is_202_and_changes_nothing(open_site: Open) -> None:
    site = open_site()
    far = Far(site)

    answers = [site.post(target) for target in both(far.job_id, "pause") for _ in range(2)]

    assert [told(answer) for answer in answers] == [
        (202, "pausing", True),
        *[(202, "pausing", False)] * 3,
    ]
    assert answers[0].json["pause"]["mode"] is None
    far.may_come.set()
    site.reaches(far.job_id, "paused")
    site.post(f"/cancel?id={far.job_id}")
    site.reaches(far.job_id, "cancelled")


def test_pause_of_a_job_that_cannot_stand_still_is_409_and_says_why(open_site: Open) -> None:
    site = open_site()
    job_id = site.start("/start/stubborn")
    site.reaches(job_id, "running")

    for target in both(job_id, "pause"):
        answer = site.post(target)
        assert (answer.status, answer.problem) == (409, "not-pausable")
        assert (answer.json["id"], "checkpoint()" in answer.json["detail"]) == (job_id, True)
    assert site.state(job_id) == "running"
    assert "pause" not in site.get(f"/v1/jobs/{job_id}").json["links"]


def test_pause_while_it_is_being_cancelled_is_409(open_site: Open) -> None:
    site = open_site()
    far = Far(site)
    site.post(f"/cancel?id={far.job_id}")

    for target in both(far.job_id, "pause"):
        answer = site.post(target)
        assert (answer.status, answer.problem) == (409, "being-cancelled")
        assert answer.json["id"] == far.job_id
    far.may_come.set()
    site.reaches(far.job_id, "cancelled")


def test_a_cancel_of_a_frozen_job_is_202_and_soon_true(open_site: Open) -> None:
    site = open_site()
    job_id = paused(site)

    answer = site.post(f"/cancel?id={job_id}")
    site.reaches(job_id, "cancelled")

    assert told(answer) == (202, "cancelling", True)


# --- resume


@pytest.mark.promise("S9")
def test_resume_of_a_held_job_is_202_queued(open_site: Open) -> None:
    site = open_site(work=False)
    for number in (0, 1):
        job_id = site.start("/start/add?a=1")
        site.post(f"/pause?id={job_id}")

        first, again = (site.post(both(job_id, "resume")[number]) for _ in range(2))

        assert told(first) == (202, "queued", True)
        assert told(again) == (200, "queued", False)


def test_a_job_that_was_due_later_is_so_again_when_it_is_resumed(open_site: Open) -> None:
    site = open_site(work=False)
    late = site.start("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": {"delay": 3600}})
    due = site.get(f"/v1/jobs/{late}").json["run_at"]
    site.post(f"/pause?id={late}")

    resumed = site.post(f"/resume?id={late}")

    assert told(resumed) == (202, "scheduled", True)
    assert resumed.json["run_at"] == due


def test_resume_of_a_frozen_job_is_202_until_it_has_a_slot(open_site: Open) -> None:
    site = open_site(concurrency=1)
    for number in (0, 1):
        first = paused(site)
        [second] = site.held()
        target = both(first, "resume")[number]

        asked, again = site.post(target), site.post(target)

        assert told(asked) == (202, "resuming", True)
        assert told(again) == (202, "resuming", False)
        assert "resume" not in asked.json["links"]
        site.post(f"/cancel?id={second}")
        site.reaches(first, "running")
        site.post(f"/cancel?id={first}")
        site.reaches(first, "cancelled")


def test_resume_of_a_job_that_is_pausing_is_200_and_withdraws_the_pause(open_site: Open) -> None:
    site = open_site()
    far = Far(site)
    for target in both(far.job_id, "resume"):
        site.post(f"/pause?id={far.job_id}")

        answer = site.post(target)

        assert told(answer) == (200, "running", True)
        assert answer.json["pause"] is None
    far.may_come.set()
    site.reaches(far.job_id, "succeeded")


def test_resume_of_a_job_that_is_not_paused_is_200_and_changes_nothing(open_site: Open) -> None:
    site = open_site(concurrency=1)
    [running] = site.held()
    queued = site.start("/start/add?a=1")

    for job_id, state in ((running, "running"), (queued, "queued")):
        for target in both(job_id, "resume"):
            assert told(site.post(target)) == (200, state, False)


# --- both


@pytest.mark.parametrize("verb", ["pause", "resume"])
@pytest.mark.promise("S5")
def test_of_a_finished_job_it_is_409_unless_the_client_is_lenient(site: Site, verb: str) -> None:
    jobs = {"succeeded": "/start/add?a=1", "failed": "/start/boom"}

    for state, started in jobs.items():
        job_id = site.finished(started)
        for target in both(job_id, verb):
            strict = site.post(target)
            lenient = site.post(target, Prefer="handling=lenient")
            assert (strict.status, strict.problem) == (409, "already-finished")
            assert (strict.json["id"], strict.json["state"]) == (job_id, state)
            assert told(lenient) == (200, state, False)
            assert lenient.headers["preference-applied"] == "handling=lenient"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_never_issued_is_404_and_no_id_is_422_or_404(site: Site, verb: str) -> None:
    for target in both(ABSENT_ID, verb):
        answer = site.post(target)
        assert (answer.status, answer.problem, answer.json["id"]) == (404, "unknown-job", ABSENT_ID)
    answers = [site.post(f"/{verb}"), site.post(f"/{verb}?id=x"), site.post(f"/{verb}?id=0")]
    assert [(each.status, each.problem) for each in answers] == [(422, "invalid-id")] * 3
    assert site.post(f"/v1/jobs/x/{verb}").problem == "invalid-id"
    assert site.post(f"/{verb}?id=1&x=1").problem == "invalid-parameters"


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_no_longer_kept_is_410(open_site: Open, verb: str) -> None:
    site = open_site(keep=0)
    job_id = site.start("/start/add?a=1")
    eventually(lambda: site.get(f"/status?id={job_id}").status == 410)

    for target in both(job_id, verb):
        answer = site.post(target)
        assert (answer.status, answer.problem, answer.json["id"]) == (410, "evicted", job_id)


@pytest.mark.parametrize(
    "said",
    [{"reason": 7}, {"reason": "x" * 501}, {"why": "no"}, {"reason": "a", "include_running": True}],
)
def test_a_body_that_says_something_else_than_a_reason_is_422(
    open_site: Open, said: object
) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")

    answers = [site.post(target, said) for target in both(job_id, "pause")]

    assert [(each.status, each.problem) for each in answers] == [(422, "invalid-parameters")] * 2
    assert site.state(job_id) == "queued"


def test_the_longest_reason_and_none_are_read(open_site: Open) -> None:
    site = open_site(work=False)
    for reason in ("x" * 500, "für Zoë 😀", None):
        job_id = site.start("/start/add?a=1")

        answer = site.post(f"/v1/jobs/{job_id}/pause", {"reason": reason})

        assert told(answer) == (200, "paused", True)
        assert answer.json["pause"]["reason"] == reason


def test_resume_reads_no_body_but_an_empty_one(open_site: Open) -> None:
    site = open_site(work=False)
    job_id = site.start("/start/add?a=1")
    site.post(f"/pause?id={job_id}")

    said = site.post(f"/resume?id={job_id}", {"reason": "x"})
    empty = site.post(f"/resume?id={job_id}", {})

    assert said.problem == "invalid-parameters"
    assert told(empty) == (202, "queued", True)


@pytest.mark.promise("S7")
def test_the_result_of_a_paused_job_is_409_and_nobody_is_told_to_come_back(
    open_site: Open,
) -> None:
    site = open_site()
    job_id = paused(site)

    for target in (f"/result?id={job_id}", f"/v1/jobs/{job_id}/result"):
        answer = site.get(target)
        assert (answer.status, answer.problem) == (409, "not-finished")
        assert (answer.json["id"], answer.json["state"]) == (job_id, "paused")
        assert "retry-after" not in answer.headers


def test_a_wait_for_any_change_is_answered_by_a_pause(open_site: Open) -> None:
    site = open_site()
    [job_id] = site.held()
    version = site.get(f"/v1/jobs/{job_id}").headers["etag"]
    site.post(f"/pause?id={job_id}")

    eventually(
        lambda: (
            site.get(f"/v1/jobs/{job_id}?wait=5", If_None_Match=version).json["state"] == "paused"
        )
    )


# --- queues, tasks, groups


def test_a_paused_queue_and_a_paused_task_begin_nothing_and_say_so(open_site: Open) -> None:
    site = open_site()
    site.start("/start/add?a=1")

    by_queue = site.post("/v1/queues/default/pause", {"reason": "stocktaking"})
    by_task = site.post("/v1/tasks/add/pause", {"reason": "a licence is missing"})
    job_id = site.start("/start/add?a=2")
    shown = site.get(f"/v1/jobs/{job_id}").json
    queue = site.get("/v1/queues/default").json
    task = site.get("/v1/tasks/add").json
    listed = {each["name"]: each for each in site.get("/v1/tasks").json["items"]}
    first = site.post("/v1/queues/default/resume")
    still = site.get(f"/v1/jobs/{job_id}").json
    second = site.post("/v1/tasks/add/resume")
    site.reaches(job_id, "succeeded")

    assert (by_queue.status, by_queue.json["paused"]) == (200, True)
    assert (by_task.status, by_task.json["paused"]) == (200, True)
    assert (queue["paused"], queue["paused_reason"]) == (True, "stocktaking")
    assert "resume" in queue["links"]
    assert (task["paused"], task["paused_reason"]) == (True, "a licence is missing")
    assert task["links"]["resume"] == "/v1/tasks/add/resume"
    assert listed["add"] == task
    assert [listed["hold"][name] for name in ("paused", "paused_reason")] == [False, None]
    assert listed["hold"]["links"]["pause"] == "/v1/tasks/hold/pause"
    assert site.get("/v1/tasks/add").json["paused"] is False
    assert shown["state"] == still["state"] == "queued"
    assert "stocktaking" in shown["reason"]
    assert "add" in still["reason"]
    assert "paused" in still["reason"]
    assert (first.status, first.json["paused"]) == (200, False)
    assert (second.status, second.json["paused"]) == (200, False)


@pytest.mark.parametrize("verb", ["pause", "resume"])
def test_what_there_is_not_is_404_and_what_fits_not_is_422(site: Site, verb: str) -> None:
    assert site.post(f"/v1/queues/nowhere/{verb}").problem == "unknown-queue"
    assert site.post(f"/v1/tasks/ad/{verb}").problem == "unknown-task"
    assert site.post(f"/v1/groups/{ABSENT_ID}/{verb}").problem == "unknown-group"
    for target in (f"/v1/queues/default/{verb}", f"/v1/tasks/add/{verb}"):
        answer = site.post(target, {"include_running": "yes"})
        assert (answer.status, answer.problem) == (422, "invalid-parameters")
        assert site.post(target, {"x": 1}).problem == "invalid-parameters"
        assert site.post(f"{target}?x=1").problem == "invalid-parameters"


def test_a_group_is_paused_and_resumed_with_a_count(open_site: Open) -> None:
    site = open_site(concurrency=1)
    made = site.post("/v1/jobs", {"jobs": [{"task": "hold"}] * 3, "group": True}).json
    site.reaches(made["jobs"][0], "running")

    asked = site.post(f"/v1/groups/{made['group']}/pause", {"reason": "later"})
    for job_id in made["jobs"]:
        site.reaches(job_id, "paused")
    resumed = site.post(f"/v1/groups/{made['group']}/resume")

    assert (asked.status, asked.json["changed"]) == (202, 3)
    assert (resumed.status, resumed.json["changed"]) == (202, 3)
    site.gate.open()
    for job_id in made["jobs"]:
        site.reaches(job_id, "succeeded")
