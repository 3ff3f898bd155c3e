"""The state of things as HTML: how many jobs are in which state, and the newest ones."""

from collections import Counter
from collections.abc import Mapping, Sequence

from msgspec import Raw
from msgspec.json import Decoder

from offload.http.page.html import Html, fill, join
from offload.lifecycle import Shown, shown_state
from offload.model import Job, Progress, State
from offload.shapes import number, path

LONGEST_PARAMS = 60

MARKS = {
    Shown.SCHEDULED: "◷",
    Shown.QUEUED: "○",
    Shown.RUNNING: "▶",
    Shown.WAITING: "⧗",
    Shown.CANCELLING: "◌",
    Shown.PAUSED: "‖",
    Shown.SUCCEEDED: "✓",
    Shown.FAILED: "✕",
    Shown.CANCELLED: "−",
}
"""A sign for each state: colour alone would tell it to some only."""

_read = Decoder(dict[str, Raw]).decode

_ALWAYS = (State.QUEUED, State.RUNNING, State.SUCCEEDED, State.FAILED, State.CANCELLED)

_TALLY = '<li class="card"><b class="$how">$count</b>$state</li>'
_NOTE = '<p class="note card">Job $id waits: $reason.</p>'
_EMPTY = '<p class="card empty">Nothing has been started yet. Copy a line from below.</p>'
_TABLE = """<div class="card scroll"><table role="table">
<thead role="rowgroup"><tr role="row"><th role="columnheader">id</th>
<th role="columnheader">task</th><th role="columnheader">parameters</th>
<th role="columnheader">state</th><th role="columnheader">progress</th>
<th role="columnheader">time</th></tr></thead>
<tbody role="rowgroup">$rows</tbody></table></div>"""
# A narrow screen lays rows out as a grid; without the roles that would be no table any more.
_ROW = """<tr role="row" class="$state"><td role="cell" class="number"><a href="$path">$id</a></td>
<td role="cell" class="task-name">$task</td>
<td role="cell" class="params"><code>$params</code></td>
<td role="cell" class="state"><span class="mark" aria-hidden="true">$mark</span>$state</td>
<td role="cell" class="progress">$progress</td><td role="cell" class="time">$time</td></tr>"""
_BAR = '<progress max="$total" value="$done" aria-label="progress"></progress>'
_FAR = '$bar<span class="far">$far</span>'


def tally(counts: Mapping[tuple[str, State], int]) -> Html:
    """Show how many jobs there are in each state, over all queues."""
    total: Counter[State] = Counter()
    for (_, state), count in counts.items():
        total[state] += count
    states = [state for state in State if total[state] or state in _ALWAYS]
    return join(
        fill(_TALLY, state=state, count=total[state], how="some" if total[state] else "none")
        for state in states
    )


def note(waiting: Job | None, reason: str | None) -> Html:
    """Say what the oldest of the waiting jobs waits for."""
    if waiting is None or not reason:
        return Html()
    return fill(_NOTE, id=waiting.id, reason=reason)


def table(jobs: Sequence[Job], now: float) -> Html:
    """Show jobs, one a row."""
    if not jobs:
        return Html(_EMPTY)
    return fill(_TABLE, rows=join(_row(job, now) for job in jobs))


def _row(job: Job, now: float) -> Html:
    state = shown_state(job, now)
    return fill(
        _ROW,
        id=job.id,
        path=path(job.id),
        task=job.task,
        params=_abridged(job.params or b""),
        state=state,
        mark=MARKS[state],
        progress=_progress(job.progress),
        time=_time(job, now),
    )


def _abridged(params: bytes) -> str:
    """Return the parameters in one line, as `a=2, b=20`, or the beginning of what is stored."""
    if len(params) > LONGEST_PARAMS * 4:
        return params[: LONGEST_PARAMS * 4].decode("utf-8", "ignore")[:LONGEST_PARAMS] + "…"
    values = _read(params)
    line = ", ".join(f"{name}={bytes(value).decode()}" for name, value in values.items())
    return line if len(line) <= LONGEST_PARAMS else line[:LONGEST_PARAMS] + "…"


def _progress(progress: Progress | None) -> Html:
    if progress is None:
        return Html()
    done = number(progress.done)
    total = None if progress.total is None else number(progress.total)
    far = f"{done:g}" if total is None else f"{done:g} / {total:g}"
    bar = fill(_BAR, total=total, done=done) if total else Html()
    return fill(_FAR, bar=bar, far=far)


def _time(job: Job, now: float) -> str:
    """Say since when a job is as it is, or how long it took."""
    if job.finished_at is not None:
        ago = f"{duration(now - job.finished_at)} ago"
        if job.started_at is None:
            return ago
        return f"took {duration(job.finished_at - job.started_at)}, {ago}"
    if job.started_at is not None:
        return f"for {duration(now - job.started_at)}"
    if job.run_at is not None and job.run_at > now:
        return f"in {duration(job.run_at - now)}"
    return f"for {duration(now - job.created_at)}"


def duration(seconds: float) -> str:
    """Write a duration as people say it: 12 s, 3 min, 2 h, 5 d."""
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
