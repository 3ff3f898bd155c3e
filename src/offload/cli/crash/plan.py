"""How long everything takes in the crash demo, from the number of slices. Pure."""

from msgspec import Struct

SLICE_SECONDS = 0.25

SLICES = 240
"""A simulation of a minute."""

FEW_SLICES = 48
"""One of twelve seconds, for the impatient."""

LEAST_SLICES = 24
"""Fewer would be over before everything has happened."""


class Plan(Struct, frozen=True):
    """What happens when; made from the number of slices, so that a short demo has it all too.

    Attributes:
        slices: of the simulation; each takes `SLICE_SECONDS`.
    """

    slices: int

    @property
    def seconds(self) -> float:
        """How long the simulation takes by itself."""
        return self.slices * SLICE_SECONDS

    @property
    def remote_seconds(self) -> float:
        """How long the remote work takes: beyond the crash, also where processes start slowly."""
        return self.seconds * 0.8 + 6

    @property
    def paused_at(self) -> int:
        """After so many slices the simulation is paused."""
        return self.slices // 10

    @property
    def killed_at(self) -> int:
        """After so many slices its worker is killed."""
        return self.slices // 3

    @property
    def paused_seconds(self) -> float:
        """How long somebody may look at what stands still."""
        return min(self.seconds / 12, 4.0)
