"""All that a task says about being started by the clock, and what is shown of it."""

from msgspec import Struct

from offload.schedule.cron import Cron
from offload.schedule.times import Misfire, Schedule
from offload.units import duration_text


class Plan(Struct, frozen=True, omit_defaults=True):
    """When a task is started, and what if nobody looked at the time, or it still runs.

    Attributes:
        when: the due times.
        misfire: what is done about due times that passed while no worker was there.
        overlap: whether a job is started while the one before has not ended.
    """

    when: Schedule
    misfire: Misfire = "once"
    overlap: bool = False


class Timetable(Struct, frozen=True):
    """A schedule as it is shown: what was said, and what comes of it.

    Attributes:
        name: of the schedule: its task's name.
        task: what is started.
        when: the cron line, or ``every 1h30m``.
        tz: the time zone in which a cron line is read.
        misfire: what is done about due times that passed while no worker was there.
        overlap: whether a job is started while the one before has not ended.
        next_at: the next due times; the first is in the past if no worker looks.
        last_at: the last due time for which a job was started.
        last_job: that job's id.
        skipped: how many due times passed without a start.
    """

    name: str
    task: str
    when: str
    tz: str | None
    misfire: Misfire
    overlap: bool
    next_at: tuple[float, ...]
    last_at: float | None
    last_job: int | None
    skipped: int


def plan_of(when: Schedule | None, misfire: Misfire = "once", overlap: bool = False) -> Plan | None:
    """Put together what a task says; None when it is not started by the clock.

    Raises:
        ValueError: one thing contradicts another, or there is no schedule for it to belong to.
    """
    if when is None:
        if overlap or misfire != "once":
            raise ValueError("misfire= and overlap= belong to a schedule: give cron= or every= too")
        return None
    if misfire == "all" and not overlap:
        raise ValueError('misfire="all" starts many jobs at once; say overlap=True with it')
    return Plan(when, misfire, overlap)


def described(when: Schedule) -> str:
    """Say in a few words when it is due: ``0 3 * * *``, or ``every 1h30m``."""
    return when.expression if isinstance(when, Cron) else f"every {duration_text(when.seconds)}"
