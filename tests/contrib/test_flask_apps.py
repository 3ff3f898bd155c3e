"""The extension in the manner of Flask: factories, settings, several apps, app contexts."""

import asyncio
import functools
import threading
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from flask import Flask, Response, current_app, jsonify

from offload import ConfigError, InvalidTask, JobFailed, Offload, QueueFull
from offload.contrib.flask import FlaskOffload
from offload.polling import Done
from tests.contrib.conftest import MakeApp


@pytest.fixture
def offload() -> FlaskOffload:
    offload = FlaskOffload()

    @offload.task
    def which() -> str:
        return current_app.name

    @offload.task
    async def awhich() -> str:
        return current_app.name

    return offload


# --- settings


def test_init_app_opens_and_writes_nothing(offload: FlaskOffload, make_app: MakeApp) -> None:
    app = make_app(offload)

    assert isinstance(app.extensions["offload"], Offload)
    assert not Path(app.instance_path).exists()


def test_a_relative_database_lies_in_the_instance_folder(
    offload: FlaskOffload, make_app: MakeApp, tmp_path: Path
) -> None:
    usual, named = make_app(offload), make_app(offload, OFFLOAD_DB="jobs/mine.db")
    elsewhere = make_app(offload, OFFLOAD_DB=tmp_path / "there.db")

    databases = [app.extensions["offload"].database for app in (usual, named, elsewhere)]
    with named.app_context():
        offload.start("which").result(10)

    assert databases[0] == Path(usual.instance_path) / "offload.db"
    assert databases[1] == Path(named.instance_path) / "jobs/mine.db"
    assert databases[1].exists()
    assert databases[2] == tmp_path / "there.db"


def test_the_app_s_config_goes_before_the_program_and_that_before_the_environment(
    make_app: MakeApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OFFLOAD_KEEP", "1")
    monkeypatch.setenv("OFFLOAD_GRACE", "1")
    monkeypatch.setenv("OFFLOAD_SLOTS", "1")

    app = make_app(FlaskOffload(keep=2, grace=2), OFFLOAD_KEEP=3, OFFLOAD_CONCURRENCY="7")

    config = app.extensions["offload"].config
    assert (config.keep, config.grace, config.slots, config.concurrency) == (3, 2, 1, 7)


def test_limits_of_the_config_are_those_of_the_queue(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    app = make_app(offload, OFFLOAD_CONCURRENCY=2, OFFLOAD_CAPACITY=5, OFFLOAD_WORKER="off")
    with app.app_context():
        offload.start("which")

        [queue] = offload.queues()

    assert (queue.limit, queue.capacity) == (2, 5)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("OFFLOAD_CONCURENCY", 3, "did you mean OFFLOAD_CONCURRENCY"),
        ("OFFLOAD_PORT", 8080, "there is no setting OFFLOAD_PORT"),
        ("OFFLOAD_KEEP", "many", "keep must be a whole number, not 'many'"),
        ("OFFLOAD_WORKER", "on", "'auto' or 'off'"),
        ("OFFLOAD_URL_PREFIX", "jobs", "OFFLOAD_URL_PREFIX must be a path"),
    ],
)
def test_a_setting_that_does_not_fit_ends_the_start_of_the_app(
    offload: FlaskOffload, make_app: MakeApp, key: str, value: object, said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        make_app(offload, **{key: value})


def test_the_prefix_can_be_chosen(offload: FlaskOffload, make_app: MakeApp) -> None:
    app = make_app(offload, OFFLOAD_URL_PREFIX="/api/jobs/")
    root = make_app(offload, OFFLOAD_URL_PREFIX="")

    answer = app.test_client().post("/api/jobs/start/which")
    at_root = root.test_client().post("/start/which")

    assert answer.headers["Location"] == "/api/jobs/status?id=1"
    assert at_root.headers["Location"] == "/status?id=1"


# --- apps


def test_one_extension_serves_several_apps_each_with_its_own_jobs(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    first, second = make_app(offload, name="first"), make_app(offload, name="second")
    with first.app_context():
        jobs = [offload.start("which"), offload.start("awhich")]
    with second.app_context():
        other = offload.start("which")

    assert [job.result(10) for job in jobs] == ["first", "first"]
    assert other.result(10) == "second"
    assert (other.id, [job.id for job in jobs]) == (1, [1, 2])
    with second.app_context():
        assert [job.id for job in offload.list()] == [1]


def test_many_jobs_in_one_hand_stay_with_their_app(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    shop = make_app(offload, name="shop", OFFLOAD_WORKER="off")
    bank = make_app(offload, name="bank", OFFLOAD_WORKER="off")
    for app in (shop, bank):
        with app.app_context():
            offload.start("which")

    with bank.app_context():
        jobs = offload.jobs(task="which")
    cancelled = jobs.cancel()

    states = []
    for app in (shop, bank):
        with app.app_context():
            states.append(offload.get(1).state)
    assert (cancelled.changed, states) == (1, ["queued", "cancelled"])


def test_the_verbs_that_do_not_block_the_loop_ask_the_same_app(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    make_app(offload, name="first")
    second = make_app(offload, name="second")

    async def session() -> tuple[object, ...]:
        job = await offload.astart("awhich")
        value = await job
        found = await offload.aget(job.id)
        return value, found == job, [each.id for each in await offload.alist()]

    with second.app_context():
        assert asyncio.run(session()) == ("second", True, [1])


def test_a_task_may_start_another_one_of_its_app(make_app: MakeApp) -> None:
    offload = FlaskOffload()

    @offload.task
    async def inner() -> str:
        return current_app.name

    @offload.task
    def outer() -> int:
        return inner.start().id

    make_app(offload, name="first")
    second = make_app(offload, name="second")
    with second.app_context():
        inner_id = outer.start().result(10)

        assert offload.get(inner_id).result(10) == "second"


def test_a_task_that_comes_after_the_app_is_known_to_it(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    app = make_app(offload)

    @offload.task
    def late() -> str:
        return current_app.name

    with app.app_context():
        assert late.start().result(10) == "shop"


def test_outside_of_a_context_the_only_app_is_meant(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    with pytest.raises(ConfigError, match="no app yet"):
        offload.list()
    make_app(offload, name="one")
    assert offload.list() == []
    make_app(offload, name="two")

    with pytest.raises(ConfigError, match=r"several apps \('one', 'two'\)"):
        offload.list()


def test_an_app_that_was_never_told_is_named(offload: FlaskOffload, make_app: MakeApp) -> None:
    make_app(offload)
    stranger = Flask("stranger")

    with stranger.app_context(), pytest.raises(ConfigError, match="'stranger' has no Offload"):
        offload.list()


def test_an_app_has_one_offload(offload: FlaskOffload, make_app: MakeApp) -> None:
    app = make_app(offload)

    with pytest.raises(ConfigError, match="has an Offload already"):
        FlaskOffload(app)


# --- contexts


def test_a_task_called_in_a_view_has_the_view_s_context(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    app = make_app(offload)

    @offload.task
    def same(given: int) -> bool:
        return bool(current_app.config["GIVEN"] == given)

    app.config["GIVEN"] = 7
    with app.app_context():
        assert same(7) is True


def test_a_task_called_as_a_function_needs_no_app() -> None:
    offload = FlaskOffload()

    @offload.task
    def double(n: int) -> int:
        return 2 * n

    assert double(4) == 8
    assert double.name == "double"


def test_the_context_is_left_at_the_end_whatever_the_end_is(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    app = make_app(offload)
    left: list[str] = []
    has_left = threading.Event()

    @app.teardown_appcontext
    def note(error: BaseException | None) -> None:
        left.append(type(error).__name__)
        has_left.set()

    @offload.task
    def fail() -> None:
        raise ValueError("no luck")

    job = fail.start()
    with pytest.raises(JobFailed, match="no luck"):
        job.result(10)

    assert has_left.wait(10)
    assert left == ["ValueError"]


def test_a_polling_task_starts_and_is_checked_in_the_context_of_its_app(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    apps = [make_app(offload, name="first"), make_app(offload, name="second")]

    @offload.polling(interval=1)
    def elsewhere() -> str:
        return current_app.name

    @elsewhere.check
    def look(handle: str) -> Done:
        return Done([handle, current_app.name])

    @elsewhere.on_cleanup
    async def tidy(handle: str) -> str:
        return f"{handle} {current_app.name}"

    for app in apps:
        polling = app.extensions["offload"].registry.find("elsewhere").polling
        assert polling.interval == 1
        assert polling.check.function("it") == Done(["it", app.name])
        assert not polling.check.is_async
        assert asyncio.run(polling.on_cleanup.function("it")) == f"it {app.name}"
        assert polling.on_cancel is None


def test_many_are_checked_at_once_in_the_context_of_their_app(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    app = make_app(offload)

    @offload.polling
    def elsewhere(number: int) -> int:
        return number

    @elsewhere.check_many(limit=10)
    def look(handles: list[int]) -> list[Done]:
        return [Done(f"{current_app.name} {handle}") for handle in handles]

    polling = app.extensions["offload"].registry.find("elsewhere").polling
    assert polling.limit == 10
    assert polling.check_many.function([1, 2]) == [Done("shop 1"), Done("shop 2")]


def test_what_can_be_no_task_is_refused_as_everywhere(offload: FlaskOffload) -> None:
    with pytest.raises(InvalidTask, match="7 cannot be called"):
        offload.task(7)  # type: ignore[call-overload]
    with pytest.raises(InvalidTask, match="has no name to be started by"):
        offload.task(functools.partial(print, "x"))
    with pytest.raises(InvalidTask, match="a lambda has no name"):
        offload.task(lambda: 1)


# --- views


def test_accepted_answers_a_view_with_202(offload: FlaskOffload, make_app: MakeApp) -> None:
    app = make_app(offload, OFFLOAD_WORKER="off")

    @app.post("/reports")
    def reports() -> Response:
        return offload.accepted(offload.start("which"))

    @app.post("/own")
    def own() -> Response:
        job = offload.start("which")
        return offload.accepted(job, location=f"/reports/{job.id}")

    answer, named = app.test_client().post("/reports"), app.test_client().post("/own")

    assert answer.status_code == 202
    assert answer.headers["Location"] == "/offload/status?id=1"
    assert answer.headers["Retry-After"] == "1"
    assert answer.json == {
        "id": 1,
        "task_id": 1,
        "task": "which",
        "state": "queued",
        "status": "queued",
    }
    assert named.headers["Location"] == "/reports/2"


def test_accepted_without_routes_says_what_is_missing(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    app = make_app(offload, OFFLOAD_URL_PREFIX=None, OFFLOAD_WORKER="off")

    with app.test_request_context():
        job = offload.start("which")
        with pytest.raises(ConfigError, match="location="):
            offload.accepted(job)


def test_a_view_need_not_catch_a_full_queue_or_an_unknown_job(
    offload: FlaskOffload, make_app: MakeApp
) -> None:
    app = make_app(offload, OFFLOAD_CAPACITY=1, OFFLOAD_WORKER="off")

    @app.post("/reports")
    def start() -> Response:
        return offload.accepted(offload.start("which"))

    @app.get("/reports/<int:job_id>")
    def show(job_id: int) -> Response:
        return jsonify(state=offload.get(job_id).state)

    client = app.test_client()
    codes = [client.post("/reports").status_code for _ in range(2)]

    assert codes == [202, 429]
    assert client.get("/reports/1").json == {"state": "queued"}
    assert client.get("/reports/9").status_code == 404


def test_what_the_app_says_of_an_error_goes_first(make_app: MakeApp, tmp_path: Path) -> None:
    offload = FlaskOffload(capacity=0, worker="off")
    app = Flask("own", instance_path=str(tmp_path))

    @app.errorhandler(QueueFull)
    def busy(error: QueueFull) -> tuple[str, int]:
        return "come back later", 503

    @offload.task
    async def nothing() -> None:
        return None

    offload.init_app(app)

    @app.post("/")
    def start() -> Response:
        return offload.accepted(nothing.start())

    assert app.test_client().post("/").status_code == 503
    offload.close()


def test_hooks_of_the_extension_are_those_of_every_app(make_app: MakeApp) -> None:
    offload = FlaskOffload()
    told: list[str] = []

    @offload.lifespan
    async def connection() -> AsyncIterator[None]:
        told.append("connect")
        yield

    @offload.task
    async def work() -> int:
        return len(told)

    app = make_app(offload)
    with app.app_context():
        assert work.start().result(20) == 1
