"""What running code writes, on its way into its job's log: prints, logging, a child's output.

Capturing adds and takes nothing away: whatever is recorded is still shown where it would have been
without us, on the terminal of the program, of the notebook or of `offload serve`. Somebody who adds
a `print` looks there first.

`recorder` keeps what one attempt writes, until it is stored. In this process `streams` and
`records` find the attempt by its context; `child` and `pipe` are the two ends of what a child
process writes.
"""

from offload.worker.capture.finding import recorder_of
from offload.worker.capture.installed import capturing, recording
from offload.worker.capture.recorder import Recorder

__all__ = ["Recorder", "capturing", "recorder_of", "recording"]
