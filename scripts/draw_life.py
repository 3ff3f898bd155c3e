"""Draws the states of a job and the moves between them, from the table in `offload.lifecycle`.

    python scripts/draw_life.py > docs/images/life.svg

Where the boxes stand and how the arrows run is said here; which arrows there are, and what is
written on them, the table says. An arrow without a way of its own is an error.
"""

import sys
from collections.abc import Iterator
from typing import NamedTuple

from offload.lifecycle import MOVES
from offload.model import State


class Box(NamedTuple):
    """Where a state stands (its middle), and its colour."""

    x: int
    y: int
    fill: str


class Way(NamedTuple):
    """How an arrow runs, and where its words begin: the middle of the first line."""

    path: str
    x: int
    y: int


WIDTH, HEIGHT = 1040, 760
BOX_WIDTH, BOX_HEIGHT, LINE = 136, 48, 18
INK = "#4a5568"

BOXES = {
    State.QUEUED: Box(190, 220, "#ebf8ff"),
    State.RUNNING: Box(480, 220, "#fefcbf"),
    State.PAUSED: Box(400, 600, "#fed7e2"),
    State.SUCCEEDED: Box(830, 90, "#c6f6d5"),
    State.FAILED: Box(830, 220, "#fed7d7"),
    State.CANCELLED: Box(830, 350, "#e2e8f0"),
}

WAYS = {
    (None, State.QUEUED): Way("M 32 220 H 118", 72, 210),
    (State.QUEUED, State.RUNNING): Way("M 258 220 H 408", 332, 210),
    (State.RUNNING, State.QUEUED): Way("M 450 196 C 430 60 240 60 220 192", 334, 34),
    (State.RUNNING, State.RUNNING): Way("M 500 196 C 520 130 570 150 530 193", 572, 150),
    (State.RUNNING, State.SUCCEEDED): Way("M 548 205 C 620 190 680 110 758 94", 640, 118),
    (State.RUNNING, State.FAILED): Way("M 548 220 H 758", 654, 212),
    (State.RUNNING, State.CANCELLED): Way("M 548 235 C 620 250 680 330 758 346", 640, 334),
    (State.QUEUED, State.FAILED): Way("M 240 244 C 330 330 640 330 770 246", 600, 296),
    (State.QUEUED, State.CANCELLED): Way("M 215 244 C 300 400 560 400 758 362", 620, 372),
    (State.FAILED, State.QUEUED): Way(
        "M 898 225 C 1000 420 960 510 720 510 C 420 510 190 460 175 248", 600, 500
    ),
    (State.CANCELLED, State.QUEUED): Way("M 830 374 C 800 470 260 480 195 248", 620, 432),
    (State.QUEUED, State.PAUSED): Way("M 140 244 C 130 420 200 590 328 597", 150, 470),
    (State.RUNNING, State.PAUSED): Way("M 470 244 C 460 360 440 480 416 572", 480, 546),
    (State.PAUSED, State.RUNNING): Way("M 380 576 C 360 450 400 320 440 248", 334, 540),
    (State.PAUSED, State.QUEUED): Way("M 340 624 C 200 700 40 640 128 248", 190, 668),
    (State.PAUSED, State.PAUSED): Way("M 420 624 C 440 690 380 690 388 630", 410, 700),
    (State.PAUSED, State.CANCELLED): Way("M 468 590 C 620 560 790 520 840 378", 545, 542),
    (State.PAUSED, State.FAILED): Way("M 468 604 C 800 620 980 500 900 236", 740, 606),
    (State.PAUSED, State.SUCCEEDED): Way("M 460 622 C 980 760 1090 200 900 96", 830, 660),
}


def main() -> None:
    """Print the picture."""
    sys.stdout.write(draw())


def draw() -> str:
    """Return the picture as SVG."""
    return "\n".join([*_head(), *_arrows(), *_boxes(), "</svg>"]) + "\n"


def _head() -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        'aria-labelledby="title" font-family="system-ui, sans-serif" font-size="14" '
        'fill="#1a202c">'
    )
    yield (
        '  <title id="title">The states of a job: queued, running and paused; succeeded, failed '
        "and cancelled are its ends</title>"
    )
    yield (
        '  <defs><marker id="tip" viewBox="0 0 10 10" refX="9" refY="5" markerWidth="7" '
        f'markerHeight="7" orient="auto-start-reverse"><path d="M 0 0 L 10 5 L 0 10 z" '
        f'fill="{INK}"/></marker></defs>'
    )
    yield f'  <rect width="{WIDTH}" height="{HEIGHT}" rx="12" fill="#f7fafc"/>'
    yield f'  <circle cx="25" cy="220" r="7" fill="{INK}"/>'


def _arrows() -> Iterator[str]:
    """Draw one arrow for each pair of states, with all moves that lead along it."""
    for source, targets in _pairs().items():
        for target, moves in targets.items():
            way = WAYS[source, target]
            start = "start" if source is None else source.value
            words = "".join(
                f'<text x="{way.x}" y="{way.y + LINE * number}" text-anchor="middle" '
                f'data-move="{start} {move} {target.value}">{move}</text>'
                for number, move in enumerate(moves)
            )
            yield (
                f'  <path d="{way.path}" fill="none" stroke="{INK}" stroke-width="1.5" '
                f'marker-end="url(#tip)"/>{words}'
            )


def _pairs() -> dict[State | None, dict[State, list[str]]]:
    """Group the moves by where they lead from and to; a state that nothing leads to is left out."""
    pairs: dict[State | None, dict[State, list[str]]] = {}
    for source, moves in MOVES.items():
        if source is None or source in BOXES:
            for move, target in moves.items():
                pairs.setdefault(source, {}).setdefault(target, []).append(move.value)
    return pairs


def _boxes() -> Iterator[str]:
    for state, box in BOXES.items():
        left, top = box.x - BOX_WIDTH // 2, box.y - BOX_HEIGHT // 2
        yield (
            f'  <rect x="{left}" y="{top}" width="{BOX_WIDTH}" height="{BOX_HEIGHT}" rx="10" '
            f'fill="{box.fill}" stroke="{INK}"/><text x="{box.x}" y="{box.y + 5}" '
            f'text-anchor="middle" font-weight="600">{state.value}</text>'
        )


if __name__ == "__main__":
    main()
