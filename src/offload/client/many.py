"""Many jobs over HTTP: one verb for all that a filter leaves, request after request."""

from collections.abc import Iterator
from typing import Literal

from offload.client.connections import Request
from offload.client.groups import OfGroups
from offload.client.sending import View, given
from offload.values import encode

VerbOfMany = Literal["cancel", "pause", "resume", "retry"]

SERVER_SECONDS = 5.0
"""So long the server goes through jobs before it answers; then the next request goes on."""


class OfMany(OfGroups):
    """Does what is asked of many jobs."""

    def of_many(
        self,
        verb: VerbOfMany,
        narrowed: View,
        *,
        preview: bool = False,
        reason: str | None = None,
    ) -> Iterator[View]:
        """Ask something of all jobs that a filter leaves; yields what came of each request.

        One request asks some ten thousand jobs; the next one goes on behind them, until all were
        asked. So the counts, `matched`, `changed`, `unchanged` and `refused`, are to be added up.

        Args:
            verb: what is asked of them.
            narrowed: which jobs, by the names that `list` has over HTTP (`state`, `task`, `queue`,
                `tag`, `group`, `since`, `worker`, `q`), or by `ids`; {} is all that the verb is
                about.
            preview: change nothing, only count.
            reason: why they are paused.

        Raises:
            InvalidParameters: the filter does not fit.
            StoreUncertain: the server never said what became of a retry.
        """
        said = {"filter": dict(narrowed), **given(preview=preview or None, reason=reason)}
        path, cursor = f"/v1/jobs/{verb}", None
        # What a retry has begun may have failed anew before it is asked once more.
        is_repeatable = preview or verb != "retry"
        while True:
            body = encode({**said, **given(cursor=cursor)})
            request = Request("POST", path, body, {}, SERVER_SECONDS, is_repeatable)
            done: View = self._asking.ask(request)
            yield done
            cursor = done["next_cursor"]
            if cursor is None:
                return
