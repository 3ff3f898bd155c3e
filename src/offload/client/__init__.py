"""The verbs over HTTP, on the standard library alone.

address      where a server is
connections  a few connections, each kept between requests; one exchange
refusals     problem documents as the exceptions that a database here would raise
repeating    which request may be sent again, and when
asking       a request as often as it takes, and the value that was answered
following    a stream of events, gone on with after every break
sending      what every verb is made of
starting     starts, each done once
jobs         what is asked of jobs
groups       what is asked of groups
many         what is asked of all jobs that a filter leaves
verbs        `Client`: all that can be asked, as JSON has it
ear          one such stream for all who wait
records      JSON as the records of `model`
answering    the store's queries, answered by a server
house        what is open: the client, who listens, who waits
tasks        tasks whose jobs are started at a server
opening      how such an Offload is opened, and what it refuses
waiting      waits that have a request of their own, and those that share a stream
remote       `Remote`: an `Offload` whose jobs are at a server

`Offload(server=…)` is a `Remote`. The terminal uses `Client` alone, which is quickly imported.
"""

from offload.client.refusals import error_of
from offload.client.verbs import Client

__all__ = ["Client", "error_of"]
