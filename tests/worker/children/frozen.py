"""A worker's program with one frozen job, to be killed: `python -m tests.worker.children.frozen`.

Its arguments are the worker's mark, and the file that the job touches when it has begun. It prints
the pids of the fork server and of the job's processes, and waits.
"""

import asyncio
import sys
import threading
from pathlib import Path

from offload.worker import family
from offload.worker.executors.process import ProcessExecutor
from tests.worker.children import tasks
from tests.worker.children.running import Executing


async def main(mark: str, begun: Path) -> None:
    executor = ProcessExecutor(1, 1.0, mark)
    children = Executing(executor, mark)
    pid = await children.value(tasks.pid)
    attempted = await children.begun(tasks.spins_in_two_sessions, begun)
    await children.frozen(attempted)
    print(executor.server_pid, *(kin.pid for kin in family.line(pid)), flush=True)
    await asyncio.to_thread(threading.Event().wait)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
