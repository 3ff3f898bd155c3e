"""The second brief's second milestone: a Flask API in front of blocking and polling work."""

from flask import Flask, Response, jsonify

from offload.contrib.flask import FlaskOffload
from tests.contrib.conftest import MakeApp
from tests.support import eventually


class Blocking:
    """A black box that is done when `run` returns."""

    def __init__(self, value: int) -> None:
        self._value = value
        self._output: int | None = None

    def run(self) -> None:
        self._output = 2 * self._value

    def get_output(self) -> int | None:
        return self._output


class Polling(Blocking):
    """A black box that says nothing until it has been asked three times."""

    def __init__(self, value: int) -> None:
        super().__init__(value)
        self._asked = 0

    def get_output(self) -> int | None:
        self._asked += 1
        return None if self._asked < 3 else self._output


def api(offload: FlaskOffload, app: Flask) -> None:
    """The views that a reader of the brief writes first."""

    @app.post("/jobs/<kind>/<int:value>")
    def start(kind: str, value: int) -> Response:
        box = Blocking(value) if kind == "blocking" else Polling(value)
        return offload.accepted(offload.submit(box, interval=0.01))

    @app.get("/jobs")
    def statuses() -> Response:
        return jsonify({job.id: offload.shown(job) for job in offload.list()})


def test_black_boxes_are_started_listed_and_collected_through_flask(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    app = make_app(offload)
    api(offload, app)
    client = app.test_client()

    started = [
        client.post(f"/jobs/{kind}/{n}") for n in range(3) for kind in ("blocking", "polling")
    ]
    addresses = [answer.headers["Location"] for answer in started]
    eventually(lambda: set((client.get("/jobs").json or {}).values()) == {"succeeded"})
    results = [client.get(each.replace("status", "result")) for each in addresses]

    assert [answer.status_code for answer in started] == [202] * 6
    assert len(client.get("/jobs").json or {}) == 6
    assert [each.json and each.json["result"] for each in results] == [0, 0, 2, 2, 4, 4]


def test_a_class_of_black_boxes_is_started_by_name(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    before = make_app(offload, name="before")

    class Local(Blocking):
        pass

    offload.register(Blocking, kind="blocking")
    offload.register(Local, kind="blocking")
    after = make_app(offload, name="after")

    for app in (before, after):
        for name in ("Blocking", "Local"):
            target = f"/offload/start/{name}?value=21"
            answer = app.test_client().post(target, headers={"Prefer": "wait=10"})
            assert answer.json is not None
            assert answer.json["result"] == 42, answer.json
