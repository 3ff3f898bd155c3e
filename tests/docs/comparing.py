"""Whether what a page shows is what was printed."""

import re

ANYTHING = "…"


def agrees(printed: str, shown: str) -> bool:
    """Compare two texts without their white space; `…` in what is shown stands for anything.

    So a page may break a long line of JSON where it reads best.
    """
    wanted = ".*?".join(re.escape(_without_space(part)) for part in shown.split(ANYTHING))
    return re.fullmatch(wanted, _without_space(printed), re.DOTALL) is not None


def _without_space(text: str) -> str:
    return "".join(text.split())
