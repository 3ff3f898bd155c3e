"""By what jobs are narrowed, as HTTP has it: the same in the query of a list and in a body."""

from offload.client.sending import View, given
from offload.client.tasks import instant_exactly
from offload.filters import Filter, Terms, text_of
from offload.store.base import List


def narrowed_by(which: Filter | List, terms: Terms) -> View:
    """Return what is asked of jobs, each value as text."""
    return given(
        state=",".join(which.states) or None,
        task=which.task,
        queue=which.queue,
        tag=which.tag,
        group=None if which.group is None else str(which.group),
        since=None if which.since is None else instant_exactly(which.since),
        worker=None if which.worker is None else str(which.worker),
        q=text_of(terms) or None,
    )
