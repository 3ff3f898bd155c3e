"""The file of `<offload-job>`, beside the routes: the app's pages need no copy of it."""

from flask import Response, request

from offload.contrib.flask import answers
from offload.dashboard.element import HEADERS, PATH, element
from offload.wire.answers import Answer

__all__ = ["NAME", "PATH", "give"]

NAME = "element"
"""Of the endpoint: `url_for("offload.element")`."""


def give() -> Response:
    """Give the file, compressed where the browser can read that; 304 where it has it.

    It is no secret: `authorize` is not asked.
    """
    found = element()
    is_packed = request.accept_encodings.quality("gzip") > 0
    headers = {"etag": found.tag, "vary": "accept-encoding", **HEADERS}
    if is_packed:
        headers["content-encoding"] = "gzip"
    body = found.packed if is_packed else found.body
    sent = answers.response(Answer(200, body, headers, found.media_type))
    sent.make_conditional(request)
    return sent
