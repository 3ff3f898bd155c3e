"""The brief's routes as a blueprint: start, status, result, and what can be asked of a job."""

from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, request
from msgspec import Struct

from offload.contrib.flask import answers, element, guard
from offload.contrib.flask.desk import AppOffload, log
from offload.errors import AlreadyFinished, Evicted, OffloadError, StoreError
from offload.model import Job, NewJob, Wish
from offload.shapes import write
from offload.wire import answers as wire
from offload.wire import brief, problems
from offload.wire.answers import Answer
from offload.wire.body import refuse_members
from offload.wire.query import read_id, read_query
from offload.wire.reason import read_reason
from offload.wire.wishes import digest, idempotency_key, preferences

LONGEST_WAIT_SECONDS = 10
"""Less than at the door of its own: a request that waits holds one of a web server's few threads,
and gunicorn ends a worker that is silent for 30 seconds."""

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
"""All come here: a wrong one gets a problem, not Flask's page."""


class Verb(Struct, frozen=True):
    """One thing that can be asked; its name is the endpoint's, and what `authorize` is given."""

    name: str
    method: str
    path: str
    handler: Callable[..., Answer]


def make_blueprint(
    desk_at_hand: Callable[[], AppOffload], authorize: guard.Authorize | None
) -> Blueprint:
    """Return the routes.

    Args:
        desk_at_hand: returns the Offload of the app that is asked.
        authorize: says who may; see `guard`.
    """
    blueprint = Blueprint(answers.BLUEPRINT, __name__)
    for verb in VERBS:
        blueprint.add_url_rule(
            verb.path,
            verb.name,
            _view(verb, desk_at_hand, authorize),
            methods=METHODS,
            provide_automatic_options=False,
        )
    blueprint.add_url_rule(element.PATH, element.NAME, element.give)
    return blueprint


def _view(
    verb: Verb, desk_at_hand: Callable[[], AppOffload], authorize: guard.Authorize | None
) -> Callable[..., Response]:
    def view(**named: Any) -> Response:
        try:
            desk = desk_at_hand()
            guard.check(desk, authorize, verb.name)
            return answers.response(_answer(verb, desk, named))
        except OffloadError as error:
            return refuse(error)

    return view


def refuse(error: OffloadError) -> Response:
    """Answer with the problem that an error is."""
    return answers.response(problems.answer(error, quote(request.root_path + request.path)))


def _answer(verb: Verb, desk: AppOffload, named: dict[str, Any]) -> Answer:
    allow = problems.allow([verb.method])
    if request.method == "OPTIONS":
        return Answer(204, b"", {"allow": allow})
    if request.method not in allow.split(", "):
        raise problems.wrong_method(request.method, allow)
    return verb.handler(desk, **named)


def start(desk: AppOffload, task: str) -> Answer:
    """Start a job with parameters from the query, or from a JSON object as the body."""
    found = desk.find(task)
    pairs, said = read_query(request.query_string), answers.read_object()
    job = found.new_job(brief.check_params(found.registered.signature, pairs, said))
    asked_at = desk.now()
    job_id, is_repeated = _store(desk, job)
    location = answers.address("status", job_id)
    wait = preferences(request.headers).wait
    known = None if is_repeated else _known(desk, job, job_id, asked_at)
    if known is not None:
        return wire.finished(answers.shape_of(desk, known, changed=False), location, wait)
    if wait is None:
        return brief.accepted(job_id, job.task, location)
    seconds = min(wait, LONGEST_WAIT_SECONDS)
    ended = _finished(desk, job_id, seconds)
    if ended is None:
        return brief.accepted(job_id, job.task, location, seconds)
    return wire.finished(answers.shape_of(desk, ended), location, seconds)


def _store(desk: AppOffload, job: NewJob) -> tuple[int, bool]:
    """Store a job, or find that of an earlier request; returns its id, and whether it is that."""
    key = idempotency_key(request.headers)
    sum_of_it = b"" if key is None else digest(brief.START, job)
    inserted = desk.run(desk.admitting((job,), answers.asker(), key, sum_of_it))
    try:
        desk.hire({(job.task, job.queue)})
    except Exception:  # it was accepted: no failure may hide that
        log.exception("no worker could be embedded")
    [job_id] = inserted.ids
    return job_id, inserted.repeated


def _known(desk: AppOffload, job: NewJob, job_id: int, asked_at: float) -> Job | None:
    """Return the job that has the unique key, if it was there before this one was asked for."""
    if job.key is None:
        return None
    try:
        found = desk.read_job(job_id)
    except (Evicted, StoreError):
        return None
    return found if found.created_at < asked_at else None


def _finished(desk: AppOffload, job_id: int, seconds: float) -> Job | None:
    """Return the job if it ends in time. No failure may hide that it was accepted."""
    try:
        job = desk.wait_until(job_id, None, seconds)
    except (Evicted, StoreError):
        return None
    return job if job.is_finished else None


def status(desk: AppOffload) -> Answer:
    """Show a job, whatever became of it."""
    job = desk.read_job(read_id(request.query_string))
    return Answer(200, write(answers.shape_of(desk, job)))


def result(desk: AppOffload) -> Answer:
    """Show what a job has returned; only one that has succeeded has a result."""
    job = desk.read_job(read_id(request.query_string))
    return brief.result(job, desk.shown(job))


def cancel(desk: AppOffload) -> Answer:
    """Ask for a job to be cancelled."""
    job_id = read_id(request.query_string)
    refuse_members(answers.read_object() or {})
    return _ask(desk, job_id, Wish.CANCEL)


def pause(desk: AppOffload) -> Answer:
    """Ask for a job to stand still."""
    job_id = read_id(request.query_string)
    return _ask(desk, job_id, Wish.PAUSE, read_reason(answers.read_object() or {}))


def resume(desk: AppOffload) -> Answer:
    """Let a paused job go on."""
    job_id = read_id(request.query_string)
    refuse_members(answers.read_object() or {})
    return _ask(desk, job_id, Wish.RESUME)


def _ask(desk: AppOffload, job_id: int, wish: Wish, reason: str | None = None) -> Answer:
    try:
        job, changed = desk.run(desk.asking(job_id, wish, answers.asker(), reason))
    except AlreadyFinished:
        if not preferences(request.headers).lenient:
            raise
        job = desk.read_job(job_id)
        return wire.asked(answers.shape_of(desk, job, changed=False), wish, lenient=True)
    if wish is Wish.RESUME and changed:
        desk.hire({(job.task, job.queue)})
    return wire.asked(answers.shape_of(desk, job, changed=changed), wish, lenient=False)


VERBS = (
    Verb("start", "POST", "/start/<task>", start),
    Verb("status", "GET", "/status", status),
    Verb("result", "GET", "/result", result),
    Verb("cancel", "POST", "/cancel", cancel),
    Verb("pause", "POST", "/pause", pause),
    Verb("resume", "POST", "/resume", resume),
)
