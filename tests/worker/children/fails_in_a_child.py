"""A module that is imported well enough in the program, and not in a child of it."""

import os

if ":" in os.environ.get("OFFLOAD_MARK", ""):
    raise RuntimeError("this needs the screen")


def paint() -> int:
    return os.getpid()
