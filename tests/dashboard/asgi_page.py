"""A Starlette app as its author has it, as FastAPI ones are: its jobs are at a server elsewhere.

    python asgi_page.py SERVER TOKEN PORT    serves at this port until it is ended

What the page shows is asked of that server by the browser itself, with a token for that job only.
"""

import json
import sys
import urllib.request

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from offload.client.remote import Remote
from offload.dashboard.element import MEDIA_TYPE, element
from tests.dashboard.plain_page import html

SERVER, TOKEN, PORT = sys.argv[1:]

jobs = Remote(server=SERVER, token=TOKEN)


def token_for(job_id: int) -> str:
    asked = urllib.request.Request(
        f"{SERVER}/v1/jobs/{job_id}/token",
        method="POST",
        headers={"Authorization": f"Bearer {TOKEN}"},
    )
    with urllib.request.urlopen(asked, timeout=10) as answer:
        token: str = json.load(answer)["token"]
    return token


def report(request: Request) -> HTMLResponse:
    job = jobs.start("steps", count=60)
    src = f"{SERVER}/v1/jobs/{job.id}"
    return HTMLResponse(
        html(f'<offload-job src="{src}" token="{token_for(job.id)}"></offload-job>')
    )


def offload_job(request: Request) -> Response:
    return Response(element().body, media_type=MEDIA_TYPE)


app = Starlette(routes=[Route("/report", report), Route("/offload-job.js", offload_job)])

if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=int(PORT), log_level="warning")
