"""Blocking tasks in child processes: warm, reused, and killed with all that they have started.

    worker ── fork server ── child ── whatever the job starts
       └────── a socket ───────┘

In the worker `executor` runs a job, `pool` has the children (each a `handle`), and `serving` holds
the fork server. That is `server`; `child` runs in what it forks, `finding` imports there, `channel`
speaks with the worker. `frames` and `orders` are what is said.
"""

from offload.worker.executors.process.executor import ProcessExecutor

__all__ = ["ProcessExecutor"]
