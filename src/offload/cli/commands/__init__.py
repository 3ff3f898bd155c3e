"""One command per file; each is called `command` there."""
