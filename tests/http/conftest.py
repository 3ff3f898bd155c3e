"""A real server on a real socket, with a worker beside it, and a client that hides nothing."""

from tests.http.sites import Open, open_site, site

__all__ = ["Open", "open_site", "site"]
