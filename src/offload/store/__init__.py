"""Where jobs are kept: the promises, the mailbox in front of them, and SQLite behind it."""
