"""Route × method × credential, from the table of routes itself: nobody is let in by oversight."""

from collections.abc import Iterator, Mapping

import pytest

from offload import keyring
from offload.access.scopes import Scope
from offload.http.routes import ROUTES
from offload.http.routing import Access
from tests.http.credentials import Guarded, bearer, log_in, new_token
from tests.http.site import Answer
from tests.support import eventually

pytestmark = pytest.mark.slow

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]

PATHS = sorted({route.path for route in ROUTES}, key=lambda path: (path == "/logout", path))
NEEDED = {(route.method, route.path): route.access for route in ROUTES}
NEEDED |= {("HEAD", path): access for (method, path), access in NEEDED.items() if method == "GET"}
OPEN = {path for (_, path), access in NEEDED.items() if access is Access.EVERYBODY}

EVERYTHING = {"read", "submit", "control", "admin"}
OPENS: dict[str, set[str] | None] = {
    "nothing": None,
    "wrong": None,
    "expired": None,
    "revoked": None,
    "session of nobody": None,
    "session of a revoked token": None,
    "session that was logged out": None,
    "slip of a revoked token": None,
    "read": {"read"},
    "submit": {"read", "submit"},
    "control": {"read", "control"},
    "admin": EVERYTHING,
    "server's own": EVERYTHING,
    "session of read": {"read"},
    "session of control": {"read", "control"},
    "session of admin": EVERYTHING,
    "job": {"read"},
    "slip": {"read"},
}
"""What each credential opens, written down by hand; None is nobody."""

ONE_JOB = {"job", "slip"}

Headers = Mapping[str, str]


class World(Guarded):
    """A server, and every credential as the headers that show it."""

    shown: dict[str, Headers]
    job_id: int


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    site = World(tmp_path_factory.mktemp("matrix") / "jobs.db", token="the-server-s-own")
    app = site.app
    site.job_id = site.ask("POST", "/start/add?a=1", headers=bearer("the-server-s-own")).json["id"]
    revoked = new_token(app, "revoked", Scope.ADMIN)
    expired = new_token(app, "expired", Scope.ADMIN, lasts=50, made=100)
    of_job = new_token(app, "job", job=site.job_id)
    site.token = ""
    eventually(lambda: site.asks(revoked) == site.asks(of_job, f"/v1/jobs/{site.job_id}") == 200)
    slip_of = {token: _slip(site, token) for token in (site.tokens["read"], revoked)}
    gone = log_in(site, site.tokens["admin"])
    site.ask("POST", "/logout", headers={"Cookie": gone})
    left = log_in(site, revoked)
    sessions = {
        f"session of {name}": {"Cookie": log_in(site, site.tokens[name])}
        for name in ("read", "control", "admin")
    }
    app.run(keyring.revoke("revoked", app.now()))
    cookie_name = gone.partition("=")[0]
    site.shown = {
        "nothing": {},
        "wrong": bearer("ofl_" + "x" * 43),
        "expired": bearer(expired),
        "revoked": bearer(revoked),
        "session of nobody": {"Cookie": f"{cookie_name}={'x' * 43}"},
        "session of a revoked token": {"Cookie": left},
        "session that was logged out": {"Cookie": gone},
        "slip of a revoked token": bearer(slip_of[revoked]),
        **{name: bearer(token) for name, token in site.tokens.items()},
        "server's own": bearer("the-server-s-own"),
        "job": bearer(of_job),
        "slip": bearer(slip_of[site.tokens["read"]]),
        **sessions,
    }
    # What was changed behind the server's back is known to it within a second.
    _until_it_is_known(site, revoked)
    yield site
    site.close()


def _slip(site: World, token: str) -> str:
    answer = site.ask("POST", f"/v1/jobs/{site.job_id}/token", headers=bearer(token))
    assert answer.status == 201, answer
    slip: str = answer.json["token"]
    return slip


def _until_it_is_known(site: World, revoked: str) -> None:
    eventually(lambda: site.asks(revoked) == 401)


def _target(path: str, job_id: int) -> str:
    names = {"{task}": "add", "{name}": "add", "{id}": str(job_id), "{kind}": "evicted"}
    for name, value in names.items():
        path = path.replace(name, value)
    assert "{" not in path, f"say above what stands for the name in {path}"
    return path


def _expected(credential: str, method: str, path: str) -> tuple[int | None, str]:
    """Say how it must be answered: the status, None where it is let in, and the scope it needs."""
    opens = OPENS[credential]
    needed = NEEDED.get((method, path))
    if path in OPEN:
        return None, ""
    if opens is None:
        return 401, ""
    if needed is None:
        return None, ""  # there is no such method, which whoever may come in is told
    if needed.value not in opens:
        return 403, needed.value
    is_of_a_job = path.startswith("/v1/jobs/{id}") and method in ("GET", "HEAD")
    return (403, "read") if credential in ONE_JOB and not is_of_a_job else (None, "")


def _is_as_expected(answer: Answer, method: str, expected: tuple[int | None, str]) -> bool:
    status, scope = expected
    if status is None:
        return answer.status not in (401, 403)
    if answer.status != status:
        return False
    challenge = answer.headers["www-authenticate"]
    named = f'error="insufficient_scope", scope="{scope}"' if scope else "Bearer realm="
    kind = "insufficient-scope" if scope else "unauthorized"
    return named in challenge and (method == "HEAD" or answer.problem == kind)


def test_every_route_has_a_policy_and_every_credential_is_tried(world: World) -> None:
    assert all(isinstance(route.access, Access) for route in ROUTES)
    assert world.shown.keys() == OPENS.keys()
    assert {"/healthz", "/readyz", "/login", "/logout", "/problems/{kind}"} == OPEN
    assert {access.value for access in NEEDED.values()} == EVERYTHING | {"everybody"}


@pytest.mark.parametrize("credential", OPENS)
def test_a_credential_opens_what_its_scopes_say_and_nothing_else(
    world: World, credential: str
) -> None:
    wrong = []
    for path in PATHS:
        for method in METHODS:
            expected = _expected(credential, method, path)
            target = _target(path, world.job_id)
            answer = world.ask(method, target, headers=world.shown[credential])
            if not _is_as_expected(answer, method, expected):
                wrong.append((method, path, expected, answer.status))

    assert wrong == []


@pytest.mark.parametrize("credential", ["nothing", "admin", "server's own", "session of admin"])
def test_no_credential_excuses_a_foreign_host_or_another_site(
    world: World, credential: str
) -> None:
    shown = world.shown[credential]
    for path in PATHS:
        for method in METHODS:
            target = _target(path, world.job_id)
            foreign = world.ask(method, target, headers={**shown, "Host": "evil.example"})
            assert foreign.status == 421, (method, path)
        for method in UNSAFE:
            for said in (
                {"Sec-Fetch-Site": "cross-site"},
                {"Sec-Fetch-Site": "same-site"},
                {"Origin": "http://evil.example"},
            ):
                crossing = world.ask(method, target, headers={**shown, **said})
                assert (crossing.status, crossing.problem) == (403, "cross-site"), (method, path)


@pytest.mark.parametrize("credential", sorted(ONE_JOB))
def test_a_token_for_one_job_shows_no_other(world: World, credential: str) -> None:
    own, other = f"/v1/jobs/{world.job_id}", f"/v1/jobs/{world.job_id + 1}"
    shown = world.shown[credential]

    assert world.ask("GET", own, headers=shown).status == 200
    assert world.ask("GET", f"{own}/events", headers=shown).status == 200
    for target in (other, f"{other}/events", f"/v1/jobs/0{world.job_id}", "/v1/jobs"):
        assert world.ask("GET", target, headers=shown).status == 403


@pytest.mark.parametrize("credential", [name for name in OPENS if OPENS[name] is None])
def test_whoever_is_nobody_learns_nothing_of_what_there_is(world: World, credential: str) -> None:
    targets = ["/nothing-here", "/v1/jobs/1", "/v1/jobs/999999", "/v1/tasks/add", "/v1/tasks/none"]

    answers = [world.ask("GET", target, headers=world.shown[credential]) for target in targets]

    assert {answer.status for answer in answers} == {401}
