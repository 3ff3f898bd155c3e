"""The worker: it claims jobs, runs them in its slots, and cares for what others left behind."""
