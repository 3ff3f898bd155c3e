"""Black boxes: objects of which only `run()` and `get_output()` are known."""

from offload.boxes.box import Box, How, Kind, awaited, how, name_of, refuse_no_box
from offload.boxes.shelf import Shelf
from offload.boxes.task import BoxTask, class_task, maker_of

__all__ = [
    "Box",
    "BoxTask",
    "How",
    "Kind",
    "Shelf",
    "awaited",
    "class_task",
    "how",
    "maker_of",
    "name_of",
    "refuse_no_box",
]
