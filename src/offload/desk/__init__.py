"""The desk behind class `Offload`: one idea a file, each built on the one before.

desk          carries plans out, hires workers, opens and closes
looking       what is stored, and waiting for it to change
asking        what is asked of a job, or of a queue
starting      new jobs
grouping      jobs that belong together
pausing       whole queues, tasks and groups
selecting     all jobs that a filter leaves
registering   functions as tasks, started by name
boxing        black boxes
"""

from offload.desk.boxing import Boxing
from offload.desk.desk import Desk

__all__ = ["Boxing", "Desk"]
