"""Free text over a list of jobs: `?q=` with words, `param.name:value` and `error:word`."""

from collections.abc import Iterator

import pytest

from offload.store import listing
from tests.http.conftest import Open
from tests.http.site import Site


def found(site: Site, q: str, more: str = "") -> list[int]:
    answer = site.ask("GET", f"/v1/jobs?{_query(q)}{more}")
    assert answer.status == 200, answer
    return [job["id"] for job in answer.json["items"]]


def _query(q: str) -> str:
    return "q=" + "".join(f"%{byte:02x}" for byte in q.encode())


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    site = Site(tmp_path_factory.mktemp("searched") / "jobs.db")
    site.open()

    @site.app.task(secret=["password"])
    async def enter(user: str, password: str) -> None:
        """Log in somewhere."""

    with_options = {"tags": ["nightly", "Zoë"], "key": "movie-7", "owner": "alice"}
    site.finished("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": with_options})  # 1
    site.finished("/start/boom?message=connection%20refused")  # 2
    site.finished("/v1/tasks/words/jobs", {"params": {"text": "long " * 1000 + "tail"}})  # 3
    site.finished("/v1/tasks/echo/jobs", {"params": {"value": True}})  # 4
    site.finished("/v1/tasks/echo/jobs", {"params": {"value": None}})  # 5
    site.finished("/v1/tasks/echo/jobs", {"params": {"value": "100% _x_"}})  # 6
    site.finished("/v1/tasks/enter/jobs", {"params": {"user": "bob", "password": "hunter2"}})  # 7
    site.finished(f"/start/boom?message={'y' * 5000}")  # 8
    yield site
    site.close()


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("nightly", [1]),
        ("NIGHT", [1]),
        ("Zoë", [1]),
        ("movie-7", [1]),
        ("alice", [1]),
        ("refused", [2]),
        ("connection refused", [2]),
        ('"connection refused"', [2]),
        ('"refused connection"', []),
        ("error:refused", [2]),
        ("error:connection error:nothing", []),
        ("error:nightly", []),
        ("error:yyyy", [8]),
        ("tail", [3]),
        ("param.a:1", [1]),
        ("param.a:2", []),
        ("param.a:", []),
        ("param.b:1", []),
        ("param.value:true", [4]),
        ("param.value:null", [5]),
        ('param.value:"100% _X_"', [6]),
        ("echo", [6, 5, 4]),
        ("echo param.value:true", [4]),
        ("%", [6]),
        ("_x_", [6]),
        ("echo 5", [5]),
        ("", [8, 7, 6, 5, 4, 3, 2, 1]),
        ("bob", []),
        ("param.user:bob", [7]),
        ("hunter2", []),
        ("param.password:hunter2", []),
        ("'; drop table job; --", []),
        ("\x00", []),
    ],
)
def test_what_is_looked_for_is_found(full: Site, q: str, expected: list[int]) -> None:
    assert found(full, q) == expected


def test_words_and_filters_and_pages_go_together(full: Site) -> None:
    assert found(full, "echo", "&state=failed") == []
    assert found(full, "boom", "&state=failed&task=boom") == [8, 2]
    first = full.get("/v1/jobs?q=echo&limit=2").json
    rest = full.get(f"/v1/jobs?q=echo&limit=2&cursor={first['next_cursor']}").json
    assert [job["id"] for job in first["items"] + rest["items"]] == [6, 5, 4]
    assert rest["next_cursor"] is None


def test_only_the_newest_are_looked_into(open_site: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "SEARCHED", 3)
    site = open_site(work=False)
    for number in range(5):
        site.start(f"/start/add?a={number}")

    assert found(site, "add") == [5, 4, 3]


@pytest.mark.parametrize("q", ["x" * 501, "a b c d e f g h i j k"])
def test_too_much_to_look_for_is_422(site: Site, q: str) -> None:
    answer = site.ask("GET", f"/v1/jobs?{_query(q)}")

    assert (answer.status, answer.problem) == (422, "invalid-parameters")
    assert answer.json["errors"][0]["parameter"] == "q"
