"""How things stand: who is at work, and how many jobs are where."""

from collections import Counter

from msgspec import Struct
from msgspec.structs import asdict
from starlette.requests import Request
from starlette.responses import Response

from offload.http import answers
from offload.http.door import Door
from offload.model import State, WorkerInfo
from offload.shapes import instant, write
from offload.wire.query import read_no_query


class WorkerShape(Struct, frozen=True):
    """A worker as programs see it.

    Attributes:
        alive: whether its process lives, as far as this machine can tell.
        stopping: whether it was told to end; it takes no further jobs.
        queues: the queues that it serves; all when empty.
        seen_at: its last sign of life, which tells how it does: `memory`, `cpu` and `loop_lag`,
            each null where that is not known.
        memory: bytes that its process and all below it hold together.
        cpu: processor time of the same, as a fraction of one core; 2.5 is two and a half cores.
        loop_lag: seconds by which its event loop was late at the worst: code blocks it.
    """

    id: int
    host: str
    pid: int
    alive: bool
    stopping: bool
    queues: tuple[str, ...]
    tasks: tuple[str, ...]
    slots: int
    started_at: str
    seen_at: str
    memory: int | None
    cpu: float | None
    loop_lag: float | None


class Stats(Struct, frozen=True):
    """How many jobs are where.

    Attributes:
        jobs: the kept jobs of all queues by stored state.
        queues: the same for each queue.
        workers: how many live workers there are.
        slots: how many jobs they run at once.
    """

    at: str
    jobs: dict[State, int]
    queues: dict[str, dict[State, int]]
    workers: int
    slots: int


async def workers(door: Door, request: Request) -> Response:
    """List the workers."""
    read_no_query(request.scope["query_string"])
    is_alive = door.app.open().presence.is_alive
    shapes = [_shape(worker, is_alive(worker)) for worker in await door.app.aworkers()]
    return answers.json(write({"items": shapes}))


async def show(door: Door, request: Request) -> Response:
    """Count jobs by queue and state, and who is at work."""
    read_no_query(request.scope["query_string"])
    is_alive = door.app.open().presence.is_alive
    alive = [worker for worker in await door.app.aworkers() if is_alive(worker)]
    total: Counter[State] = Counter()
    queues: dict[str, dict[State, int]] = {}
    for (queue, state), count in sorted((await door.app.acounts()).items()):
        total[state] += count
        queues.setdefault(queue, {})[state] = count
    slots = sum(worker.slots for worker in alive)
    stats = Stats(instant(door.app.now()), total, queues, len(alive), slots)
    return answers.json(write(stats))


def _shape(worker: WorkerInfo, alive: bool) -> WorkerShape:
    return WorkerShape(
        id=worker.id,
        host=worker.host,
        pid=worker.pid,
        alive=alive,
        stopping=worker.stopping,
        queues=worker.queues,
        tasks=worker.tasks,
        slots=worker.slots,
        started_at=instant(worker.started_at),
        seen_at=instant(worker.seen_at),
        **asdict(worker.vitals),
    )
