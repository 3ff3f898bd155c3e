"""One idea: the verbs over HTTP, as the brief's routes and as a resource API under `/v1`.

server     uvicorn, bound and stopped by its holder
protocol   one connection, with bounds
boundary   every error a problem, every answer with its headers
security   what every request must pass
routing    a route declared once; the methods of a path
routes     the table of all routes
door       what both faces do in the same way
brief      start, status, result, cancel
tasks      /v1/tasks
jobs       /v1/jobs; a list of them is in listing
many       many starts in one request
starting   one start, as JSON has it
groups     /v1/groups
queues     /v1/queues
stats      /v1/stats, /v1/workers
schedules  /v1/schedules
openapi    all this described, for programs and for people
page       one page for people
body, options   a request, read strictly
answers    jobs and values as answers
problems   every refusal, as it is sent

What does not depend on the framework is in `offload.wire`.
"""
