"""What a seed draws: the workers, the queues, the clients, and how often which faults occur.

A seed enables some of the faults, not all (swarm testing: Groce et al., ISSTA 2012): a fault that
always occurs hides what only shows where it does not.
"""

import random

from msgspec import Struct


class WorkerPlan(Struct, frozen=True):
    """One worker: it is begun again whenever it has fallen."""

    slots: int
    lease: float
    knows_rare: bool
    knows_tick: bool = False
    max_frozen: int = 1000


class QueuePlan(Struct, frozen=True):
    """One queue's settings."""

    name: str
    limit: int | None
    capacity: int | None
    keep: int


class Faults(Struct, frozen=True):
    """How often what goes wrong. Rates are per second of virtual time, 0 where it never occurs."""

    crash: float = 0.0
    freeze: float = 0.0
    false_death: float = 0.0
    drain: float = 0.0
    outage: float = 0.0
    jump: float = 0.0
    lag: float = 0.0
    """Mean seconds that a transaction or query takes."""
    unknown_commit: float = 0.0
    """Probability of a commit."""
    failed_commit: float = 0.0
    """Probability of a commit."""
    crash_at_commit: float = 0.0
    """Probability of a worker's commit."""
    lost_wake_up: float = 0.0
    """Probability of a wake-up."""
    slow_wake_up: float = 0.0
    """Mean seconds that a wake-up takes between processes."""


class Plan(Struct, frozen=True):
    """All that a seed decides before the run begins."""

    seed: int
    workers: tuple[WorkerPlan, ...]
    queues: tuple[QueuePlan, ...]
    clients: int
    jobs: int
    seconds: float
    faults: Faults
    ticks: bool = False
    """Whether something is started by the clock."""


def draw_plan(seed: int) -> Plan:
    """Draw the plan of a seed."""
    draw = random.Random(f"plan {seed}")
    count = draw.choice([1, 2, 2, 3, 4])
    ticks = random.Random(f"ticks {seed}").random() < 0.5
    return Plan(
        seed=seed,
        workers=tuple(_worker(draw, first=index == 0, ticks=ticks) for index in range(count)),
        queues=tuple(_queue(draw, name) for name in "abc"[: draw.randint(1, 3)]),
        clients=draw.randint(1, 3),
        jobs=draw.choice([10, 30, 60]),
        seconds=draw.choice([10.0, 20.0, 40.0]),
        faults=_faults(draw),
        ticks=ticks,
    )


def _worker(draw: random.Random, *, first: bool, ticks: bool) -> WorkerPlan:
    return WorkerPlan(
        max_frozen=draw.choice([1000, 1000, 1]),
        slots=draw.choice([1, 2, 4, 8]),
        lease=draw.choice([3.0, 6.0, 30.0]),
        knows_rare=first or draw.random() < 0.5,
        knows_tick=ticks,
    )


def _queue(draw: random.Random, name: str) -> QueuePlan:
    return QueuePlan(
        name=name,
        limit=draw.choice([None, 1, 2, 3]),
        capacity=draw.choice([None, None, 3, 10]),
        keep=draw.choice([3, 20, 1000, 1000]),
    )


def _faults(draw: random.Random) -> Faults:
    most = {
        "crash": 0.3,
        "freeze": 0.3,
        "false_death": 0.2,
        "drain": 0.2,
        "outage": 0.1,
        "jump": 0.2,
        "lag": 0.2,
        "unknown_commit": 0.1,
        "failed_commit": 0.1,
        "crash_at_commit": 0.02,
        "lost_wake_up": 1.0,
        "slow_wake_up": 0.5,
    }
    enabled = draw.choice([0.0, 0.2, 0.5, 0.8])
    return Faults(
        **{name: draw.random() * rate for name, rate in most.items() if draw.random() < enabled}
    )
