"""S25 in a Flask app: a parameter that is secret comes out at none of its routes."""

import pytest

from offload import current
from offload.contrib.flask import FlaskOffload
from tests.contrib.conftest import MakeApp

SECRET = "c4nary-horse"


@pytest.mark.promise("S25")
def test_a_secret_comes_out_at_no_route_and_no_command(make_app: MakeApp) -> None:
    offload = FlaskOffload()

    @offload.task(secret=["password"])
    async def leaks(user: str, password: str, pin: int = 0) -> None:
        print(password)
        current().progress(1, 2, password)
        raise ValueError(f"{password} is wrong")

    app = make_app(offload)
    client = app.test_client()
    started = client.post("/offload/start/leaks", json={"user": "ada", "password": SECRET})
    app.extensions["offload"].get(1).wait(20)

    answers = [
        started,
        client.get("/offload/status?id=1"),
        client.get("/offload/result?id=1"),
        client.post("/offload/cancel?id=1"),
        client.post("/offload/start/leaks", json={"user": "ada", "password": [SECRET]}),
    ]
    typed = [app.test_cli_runner().invoke(args=["offload", *words]) for words in COMMANDS]

    for answer in answers:
        assert SECRET.encode() not in answer.data
    for result in typed:
        assert SECRET not in result.output
    assert [answer.status_code for answer in answers] == [202, 200, 409, 409, 422]
    assert b'"***"' in answers[1].data
    assert "***" in typed[0].output


COMMANDS = (("status", "1"), ("list",), ("logs", "1"), ("result", "1"), ("status", "1", "--json"))
