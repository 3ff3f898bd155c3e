"""What a command's exit code says.

| code | meaning |
|---|---|
| 0 | it worked; of `result`, `wait`, `watch` and `start --wait`: every job has succeeded |
| 1 | a job has failed; of `doctor`: something is wrong |
| 2 | the command line, the parameters, a setting or a module cannot be used as they are |
| 3 | a job was cancelled, and none has failed |
| 4 | there is no such job (never started, or no longer kept), or no such task |
| 5 | refused: the queue is full, the job has finished or not, or cannot pause, the server stops |
| 6 | the database or the server cannot be used: absent, unreadable, too new, not answering |
| 70 | a fault of offload itself; the traceback is shown |
| 124 | the time of `--timeout` is over; the job goes on |
| 130 | ended by Ctrl-C; 143 by a second SIGTERM |
| 141 | nobody read the output to its end |
"""

from collections.abc import Iterable, Mapping
from typing import Any

from offload import errors

OK = 0
FAILED = 1
UNUSABLE = 2
CANCELLED = 3
UNKNOWN = 4
REFUSED = 5
UNAVAILABLE = 6
OWN_FAULT = 70
TIME_OVER = 124
INTERRUPTED = 130
NOT_READ = 141

MEANINGS = tuple(
    tuple(cell.strip() for cell in row.strip("|").split("|"))
    for row in (__doc__ or "").splitlines()
    if row.startswith("| ") and not row.startswith("| code")
)
"""The table above, row by row, for `offload --help`."""

_BY_STATE = {"succeeded": OK, "failed": FAILED, "cancelled": CANCELLED, "evicted": UNKNOWN}

_FIRST_TOLD = (TIME_OVER, FAILED, UNKNOWN, CANCELLED)
"""Of several jobs that ended in different ways; OK is only said of all."""

_BY_ERROR: Mapping[type[errors.OffloadError], int] = {
    errors.InvalidParameters: UNUSABLE,
    errors.UnknownTask: UNKNOWN,
    errors.Refused: REFUSED,
    errors.UnknownJob: UNKNOWN,
    errors.Evicted: UNKNOWN,
    errors.UnknownGroup: UNKNOWN,
    errors.GroupEvicted: UNKNOWN,
    errors.NotFinished: REFUSED,
    errors.NotKept: REFUSED,
    errors.NotCompletable: REFUSED,
    errors.AlreadyFinished: REFUSED,
    errors.NotPausable: REFUSED,
    errors.NotAmendable: REFUSED,
    errors.BeingCancelled: REFUSED,
    errors.JobFailed: FAILED,
    errors.JobCancelled: CANCELLED,
    errors.StoreError: UNAVAILABLE,
    errors.OffloadError: UNUSABLE,
}


def of_job(job: Mapping[str, Any]) -> int:
    """Return the code that says how a job ended, or that somebody waited in vain."""
    return _BY_STATE.get(job["state"], TIME_OVER)


def of_jobs(jobs: Iterable[Mapping[str, Any]]) -> int:
    """Return the code for several jobs: whether all have succeeded, or else what went wrong."""
    codes = {of_job(job) for job in jobs}
    return next((code for code in _FIRST_TOLD if code in codes), OK)


def of_error(error: errors.OffloadError) -> int:
    """Return the code for an error, by the nearest class of its tree."""
    return next(_BY_ERROR[kind] for kind in type(error).__mro__ if kind in _BY_ERROR)
