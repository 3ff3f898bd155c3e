"""Every refusal, as this door answers it; what is refused and how it is told is below all doors."""

from starlette.responses import Response

from offload.errors import OffloadError
from offload.http import answers
from offload.wire import problems
from offload.wire.problems import ERRORS, KINDS, MEDIA_TYPE, Problem, document, kind_of, log

__all__ = ["ERRORS", "KINDS", "MEDIA_TYPE", "Problem", "answer", "document", "kind_of", "log"]


def answer(error: OffloadError, instance: str) -> Response:
    """Return the problem document for an error that a request met at this path."""
    return answers.response(problems.answer(error, instance))
