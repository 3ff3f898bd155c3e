"""Work in forked processes, so that a test can end them in the middle of anything."""

import os
import traceback
import warnings
from collections.abc import Callable

FAILED = 1


def fork(work: Callable[[], object]) -> int:
    """Do the work in a child of this process, which then ends; return the child's id.

    Python 3.12 warns where there are other threads. Here the child only uses what it makes itself.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child:
        return child
    code = FAILED
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def exit_code(child: int) -> int:
    """Wait for the child; a signal that ended it counts as a negative number."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
