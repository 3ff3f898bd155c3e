"""When a task is started by itself: a cron line in a time zone, or every so many seconds."""

from offload.schedule.cron import NEVER, Cron
from offload.schedule.every import Every
from offload.schedule.plan import Plan, Timetable, described, plan_of
from offload.schedule.times import (
    Due,
    Misfire,
    Schedule,
    due,
    misfire_of,
    next_after,
    next_runs,
    schedule_of,
)

__all__ = [
    "NEVER",
    "Cron",
    "Due",
    "Every",
    "Misfire",
    "Plan",
    "Schedule",
    "Timetable",
    "described",
    "due",
    "misfire_of",
    "next_after",
    "next_runs",
    "plan_of",
    "schedule_of",
]
