"""The name of an error outside Python: `UnknownJob` is the problem `unknown-job`.

Whoever tells of an error in JSON, and whoever reads that, must mean the same by it.
"""

import re

from offload.errors import OffloadError


def problem_name(kind: type[OffloadError]) -> str:
    """Return the name of a class of errors, as it stands at the end of a problem's type."""
    return re.sub(r"(?<!^)(?=[A-Z])", "-", kind.__name__).lower()
