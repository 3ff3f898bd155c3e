"""What each kind of problem means, and what to do about it: a problem's `type` leads here.

`problems` says what went wrong with one request; this says it in general, for whoever opens the
address in the `type`.
"""

from msgspec import Struct

from offload.wire.problems import KINDS


class Explained(Struct, frozen=True):
    """One kind of problem, explained.

    Attributes:
        cause: when it is met.
        remedy: what to do.
    """

    cause: str
    remedy: str


class ProblemKind(Struct, frozen=True):
    """A kind of problem as programs see it.

    Attributes:
        retry_after: seconds after which the same request may be answered otherwise; null if time
            alone changes nothing.
    """

    type: str
    title: str
    status: int
    cause: str
    remedy: str
    retry_after: int | None


EXPLANATIONS: dict[str, Explained] = {
    "malformed-request": Explained(
        "The request is no HTTP/1.1, no UTF-8 or no JSON, has a body and a query at once, says a "
        "parameter twice, has more than 1,000 parameters, or is deeper than 64 levels.",
        "Mend what `detail` names. The same request is refused every time.",
    ),
    "unauthorized": Explained(
        "The server wants a token, and none was shown, or one that is unknown, expired or revoked.",
        "Send `Authorization: Bearer …`, or log in at /login. `offload token create` makes a "
        "token; `offload token list` shows which ones have expired.",
    ),
    "cross-site": Explained(
        "A page of another site wanted to change something, through a visitor's browser.",
        "Let that page ask its own server. If it is yours, start this server with "
        "`--allow-origin` and the page's origin.",
    ),
    "forbidden": Explained(
        "A Flask app's routes are closed, or its `authorize` function said no.",
        "Log in to that app, or let its `authorize` say yes to this request.",
    ),
    "insufficient-scope": Explained(
        "The token is valid and does not open this. A token for one job shows that job only.",
        "Use a token with the scope that `detail` and `WWW-Authenticate` name.",
    ),
    "not-found": Explained(
        "There is nothing at this address.",
        "Compare it with /docs, where every address stands; ids are numbers from 1.",
    ),
    "unknown-task": Explained(
        "No task of that name is registered with this server.",
        "Take one of `nearest`, or look at /v1/tasks. After a new task was written the server has "
        "to be started again, or run with `--reload`.",
    ),
    "unknown-job": Explained(
        "The id was never given to a job of this database.",
        "Compare the id with what the start answered, and look whether this is the same database: "
        "`offload serve` prints its path.",
    ),
    "unknown-group": Explained(
        "There is no group of that id, or none of its jobs is kept any more.",
        "Compare the id with what the start of the group answered.",
    ),
    "unknown-queue": Explained(
        "No queue of that name was ever set or used.",
        "Take one of /v1/queues. A queue is there once a task names it or a job is started in it.",
    ),
    "wrong-method": Explained(
        "There is something at this address, and it does not answer this method.",
        "Use one of those that `Allow` names. Whatever changes something is a POST.",
    ),
    "too-slow": Explained(
        "The request's header or body did not arrive within its time.",
        "Send it again, without pauses; behind a proxy let the proxy take the whole body first.",
    ),
    "not-finished": Explained(
        "The job has not ended, and what was asked for is there only when it has.",
        "Ask again after `Retry-After`, or once with `/v1/jobs/{id}?wait=30&until=done`. A paused "
        "job ends only after it was resumed.",
    ),
    "job-failed": Explained(
        "The job has failed, so it has no result.",
        "`error` says how; /v1/jobs/{id}/logs is what it wrote. "
        "POST /v1/jobs/{id}/retry tries it anew.",
    ),
    "job-cancelled": Explained(
        "The job was cancelled, so it has no result.",
        "/v1/jobs/{id}/attempts says who did so and when. POST /v1/jobs/{id}/retry tries it anew.",
    ),
    "not-completable": Explained(
        "The job does not wait to be completed from outside, or the token is not its own.",
        "Only a polling job that waits can be completed, with the token that it gave to the other "
        "side, and only once.",
    ),
    "not-kept": Explained(
        "The job returned something that JSON cannot carry; only the program that ran it has it.",
        "Take the result in that program, or let the task return what JSON can carry: `encode=` "
        "says how.",
    ),
    "key-taken": Explained(
        "Another job of the task has the same key and has not ended; `id` is that one.",
        "Watch that one, wait for its end, or start with another key.",
    ),
    "not-pausable": Explained(
        "The job's code runs where it cannot be made to stand still, or its worker holds as many "
        "paused jobs as it may.",
        "`detail` says which. Cancel it, or let the task call `checkpoint()`: then it can be "
        "paused there. `--max-frozen` lets a worker hold more.",
    ),
    "being-cancelled": Explained(
        "The job is being cancelled; pausing it comes too late.",
        "Wait until it is cancelled. POST /v1/jobs/{id}/retry can try it anew then.",
    ),
    "not-amendable": Explained(
        "A worker has the job already, so its place in the queue and its tags are settled.",
        "Let it go on, or cancel it and start another as it should be.",
    ),
    "already-finished": Explained(
        "The job has ended before the request came; nothing was changed.",
        "`state` says how it ended. A client that does not mind sends "
        "`Prefer: handling=lenient` and is answered 200.",
    ),
    "evicted": Explained(
        "The job has ended and is no longer kept: each queue keeps its newest finished jobs only.",
        "Collect results sooner, or keep more: `--keep`, or PATCH /v1/queues/{name}.",
    ),
    "group-evicted": Explained(
        "Some jobs of the group are no longer kept, so the group cannot be told as a whole.",
        "Ask for the jobs that are left, one by one, or keep more: PATCH /v1/queues/{name}.",
    ),
    "body-too-large": Explained(
        "The body has more than 1 MiB.",
        "Put the data where the worker can reach it, and send its address.",
    ),
    "request-line-too-long": Explained(
        "The method and address have more than 8 KiB.",
        "Send the parameters as a JSON body.",
    ),
    "wrong-media-type": Explained(
        "The body says of itself that it is no JSON in UTF-8, or it is compressed.",
        "Send it as it is, with `Content-Type: application/json`.",
    ),
    "wrong-host": Explained(
        "The request is addressed to a name that is not this server's. Such a request may come "
        "from a page that has let its own name lead here (DNS rebinding).",
        "Address the server by the name that it prints, or start it with `--allow-host`.",
    ),
    "invalid-id": Explained(
        "This is no id: a whole number from 1, in ASCII, without a sign or leading zeros.",
        "Give the `id` that the start answered.",
    ),
    "invalid-parameters": Explained(
        "Parameters are missing, not known, or not of the type that the task takes.",
        "`errors` names every one of them and what is wrong. /v1/tasks/{name} has the schema.",
    ),
    "idempotency-key-reused": Explained(
        "The idempotency key was sent before, with another request.",
        "Make a new key for each request, and use it again only to repeat that same request.",
    ),
    "queue-full": Explained(
        "As many jobs wait in the queue as it may admit. Nothing was started.",
        "Send the same request again after `Retry-After`, or raise the queue's capacity: "
        "`--capacity`, or PATCH /v1/queues/{name}.",
    ),
    "too-many-starts": Explained(
        "This client has started as many jobs as the server lets one client start in a while.",
        "Wait for `Retry-After`, or start many jobs with one request: POST /v1/jobs.",
    ),
    "too-many-streams": Explained(
        "As many streams of events are open as one client, or all together, may have.",
        "Close one, or share one between the parts of your program: /v1/events tells of all jobs.",
    ),
    "header-too-large": Explained(
        "The request's header is larger than the server reads.",
        "Send fewer or shorter headers; often it is a pile of cookies of other programs.",
    ),
    "internal-error": Explained(
        "The server has a fault. It is not the request's.",
        "The server's log has the traceback, under the request's `X-Request-ID`. Please report it.",
    ),
    "server-unreachable": Explained(
        "`offload dashboard` asked the server that it shows, and nobody answered. Whether an act "
        "was carried out is not known.",
        "See whether the server runs and its address is right; the page goes on by itself then.",
    ),
    "draining": Explained(
        "The server is stopping and starts nothing new. Nothing was started.",
        "Send the same request again after `Retry-After`: a server that was restarted takes it.",
    ),
    "too-many-connections": Explained(
        "As many connections are open as the server holds.",
        "Keep connections and use them again, and close those that you do not need.",
    ),
    "store-unavailable": Explained(
        "The database does not answer: its file cannot be opened, is locked for long, or is of "
        "another version. Nothing was changed.",
        "Send the same request again after `Retry-After`. `offload doctor` and the server's log "
        "say what is wrong with the database.",
    ),
    "store-uncertain": Explained(
        "The database took the request and never said what became of it.",
        "Look whether it has happened before you send it again; with an `Idempotency-Key` it can "
        "be sent again without a thought.",
    ),
    "query-too-slow": Explained(
        "The database was asked for something that took too long, and was stopped.",
        "Ask for less: a smaller `limit`, a state or a task, a shorter time.",
    ),
}
"""Every kind of problem, by the name in its type."""


def explained(name: str) -> ProblemKind | None:
    """Return what is told of a kind of problem; None if there is no such kind."""
    if name not in KINDS:
        return None
    kind, words = KINDS[name], EXPLANATIONS[name]
    return ProblemKind(
        f"/problems/{name}", kind.title, kind.status, words.cause, words.remedy, kind.retry_after
    )
