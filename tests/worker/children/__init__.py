"""Tasks for the tests of child processes. Modules of their own: a child imports them."""
