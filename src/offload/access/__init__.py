"""Who may do what: scopes, tokens, sessions, and what a server knows of them at a moment.

scopes       what a credential opens, and what follows from what
credentials  the records: a token, a session
secrets      how a secret is made, hashed, and recognised
slips        a short-lived token for one job, which is signed and stored nowhere
ring         all that is valid, looked up by what a request shows

Nothing here reads a database or a request.
"""
