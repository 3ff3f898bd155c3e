"""A Flask app as its author has it: it runs jobs, and shows one on a page of its own.

python flask_page.py DATABASE    prints its address, and serves until it is ended
"""

import sys
import time

from flask import Flask, Response, render_template_string
from werkzeug.serving import make_server

from offload import current, progress
from offload.contrib.flask import FlaskOffload
from tests.dashboard.plain_page import STRICT

app = Flask(__name__)
app.config["OFFLOAD_DB"] = sys.argv[1]
offload = FlaskOffload(app, authorize=lambda verb: True)

PAGE = """<!doctype html><html lang="en"><head><title>report</title>
<script src="{{ url_for('offload.element') }}" defer></script></head><body><main><h1>Report</h1>
<offload-job src="{{ url_for('offload.status', id=job.id) }}" cancel pause></offload-job></main>
"""


@offload.task
def build(days: int) -> int | None:
    for _day in progress(range(days), unit="day"):
        if current().should_stop:
            return None
        time.sleep(0.05)
    return days


@app.get("/reports/<int:days>")
def report(days: int) -> Response:
    page = Response(render_template_string(PAGE, job=build.start(days)))
    page.headers["Content-Security-Policy"] = STRICT
    return page


if __name__ == "__main__":
    server = make_server("127.0.0.1", 0, app, threaded=True)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()
