"""Figures: how fast it is, each beside the raw limit that was measured in the same run."""
