"""`<offload-job>`: the one file that shows a job on other people's pages.

A page needs it and an address of the job, nothing else. `offload serve` has it at
`/offload-job.js`; an application that has jobs of its own gives it at any address it likes.
"""

from functools import cache
from importlib.resources import files

from offload.dashboard import Asset, asset

PATH = "/offload-job.js"
"""Where servers have it."""

MEDIA_TYPE = "text/javascript; charset=utf-8"

HEADERS = {"cache-control": "no-cache", "cross-origin-resource-policy": "cross-origin"}
"""It is no secret, and pages of other sites may run it; a newer one is taken at once."""


@cache
def element() -> Asset:
    """Return the file: its `body`, ready to be sent as `text/javascript`."""
    body = (files("offload.dashboard") / "static" / "offload-job.js").read_bytes()
    return asset(body, MEDIA_TYPE)
