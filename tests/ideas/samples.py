"""A job as the store would have it, to be overridden where a test means something by it."""

from typing import Any

from msgspec.structs import replace

from offload.model import PLAIN, By, Error, Job, Mode, Pause, Progress, State, Wish

BY = By(actor="a test", door="python")
SOME_ERROR = Error(code="exception", message="no", type="ValueError", traceback="line 1")

A_PAUSE = Pause(asked_at=1002.0, actor="ada", door="cli", reason="lunch")
"""Asked for, and not true yet."""

QUEUED = Job(
    id=7,
    task="render",
    kind="async",
    queue="default",
    priority=2,
    state=State.QUEUED,
    requested=None,
    claimable=True,
    ahead=False,
    version=1,
    token=0,
    worker=None,
    lease_until=None,
    occupies_slot=False,
    attempt=0,
    crashes=0,
    interrupts=0,
    created_at=1000.0,
    run_at=None,
    started_at=None,
    finished_at=None,
    reason=None,
    owner="ada",
    tags=("film",),
    params=b'{"frames":240}',
    result=None,
    error=None,
    progress=None,
    size=14,
    options=PLAIN,
    lane="",
    key=None,
    group=None,
    bound_to=None,
    deadline_at=None,
    handle=None,
    next_check_at=None,
    forgiven=0,
    pause=None,
    paused_seconds=0.0,
    saved_at=None,
    kept_until=None,
)


def a_job(state: State = State.QUEUED, **fields: Any) -> Job:
    """Return a job in this state with all that such a job has; `fields` override."""
    return replace(QUEUED, **(_OF_STATE[state] | fields))


def a_pausing_job(**fields: Any) -> Job:
    """Return a running job whose code is to stand still; `fields` override."""
    return a_job(State.RUNNING, **({"requested": Wish.PAUSE, "pause": A_PAUSE} | fields))


def a_paused_job(mode: Mode = Mode.FROZEN, **fields: Any) -> Job:
    """Return a paused job that somebody has (held: nobody); `fields` override."""
    pause = replace(A_PAUSE, mode=mode, since=1003.0, begun=True)
    paused: dict[str, Any] = {"state": State.PAUSED, "occupies_slot": False, "pause": pause}
    if mode is Mode.HELD:
        paused |= {"worker": None, "lease_until": None, "started_at": None, "attempt": 0}
    return replace(a_job(State.RUNNING), **(paused | fields))


_BEGUN = {"claimable": False, "version": 2, "token": 1, "attempt": 1, "started_at": 1001.0}
_ENDED = _BEGUN | {"version": 3, "finished_at": 1002.0}
_OF_STATE: dict[State, dict[str, Any]] = {
    State.QUEUED: {},
    State.RUNNING: _BEGUN
    | {
        "state": State.RUNNING,
        "worker": 3,
        "lease_until": 1031.0,
        "occupies_slot": True,
        "progress": Progress(1.0, 2.0),
    },
    State.PAUSED: {
        "state": State.PAUSED,
        "claimable": False,
        "version": 2,
        "pause": replace(A_PAUSE, mode=Mode.HELD, since=1002.0),
    },
    State.SUCCEEDED: _ENDED | {"state": State.SUCCEEDED, "result": b"16"},
    State.FAILED: _ENDED | {"state": State.FAILED, "error": SOME_ERROR},
    State.CANCELLED: _ENDED | {"state": State.CANCELLED},
}

WISHES = (None, *Wish)
