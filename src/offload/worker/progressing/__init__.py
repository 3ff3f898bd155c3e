"""How far a job has come: what its code says, how fast it goes, and when it is expected to end.

The code says a word a million times a second if it likes, and nobody computes anything then: a
`Board` keeps the latest word, and whoever stores or sends it takes it there a few times a second.
What is taken in the worker is a tick: of the ticks a `Forecast` tells the rate and the expected
end, before there are enough of them with the help of the task's `History`. `tqdm_bars` lets the
bars of `tqdm` write on the board of the job in which they run.
"""

from offload.worker.progressing.board import Board
from offload.worker.progressing.forecast import Forecast
from offload.worker.progressing.history import History
from offload.worker.progressing.open_bar import OpenBar
from offload.worker.progressing.tqdm_bars import watch_tqdm

__all__ = ["Board", "Forecast", "History", "OpenBar", "watch_tqdm"]
