"""`python -m offload` is the command `offload`."""

import sys

from offload.cli import main

# `-m` puts the working directory first on the path and the installed command does not. Both are to
# find the same modules, and a `queue.py` of the user is not to stand in for the standard library's.
if __name__ == "__main__":
    if not sys.flags.safe_path:
        del sys.path[0]
    main()
