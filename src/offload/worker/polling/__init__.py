"""Asking many things at intervals whether they are done, on few threads."""
