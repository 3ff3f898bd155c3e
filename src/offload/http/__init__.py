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
jobs       /v1/jobs
page       one page for people
body, options   a request, read strictly
answers    jobs and values as answers
problems   every refusal, as it is sent

What does not depend on the framework is in `offload.wire`.
"""
