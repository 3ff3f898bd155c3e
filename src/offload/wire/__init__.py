"""One idea: a request as data in, an answer as data out; what every HTTP door does alike.

Doors for the web differ in their framework, and in whether they block or await. How a request is
read, what is refused and how that is told must not differ, so it stands here, without a framework.

query      a query string, read strictly
body       a body, read strictly
wishes     `Prefer` and `Idempotency-Key`
security   what every request must pass, what every answer carries
brief      start and result, as the brief's routes have them
answers    jobs as answers
problems   every refusal, in one table
"""
