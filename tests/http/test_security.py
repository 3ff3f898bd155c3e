"""What every request must pass, tried on every route of the table, with every method."""

import itertools
from collections.abc import Iterator

import pytest

from offload.http.routes import ROUTES
from offload.http.routing import Access
from offload.http.security import Names
from tests.http.conftest import Open
from tests.http.site import Answer, Site

pytestmark = pytest.mark.slow

METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
UNSAFE = ["POST", "PUT", "PATCH", "DELETE"]

_FILLED = {"{task}": "add", "{name}": "add", "{id}": "1", "{kind}": "evicted"}


def _filled(path: str) -> str:
    for name, value in _FILLED.items():
        path = path.replace(name, value)
    assert "{" not in path, f"say above what stands for the name in {path}"
    return path


TARGETS = [*sorted({_filled(route.path) for route in ROUTES}), "/nothing-here"]
CHANGING_NOTHING = {"POST /v1/jobs/{id}/token", "POST /login", "POST /logout"}
"""Posts that change no job and nothing about jobs."""

OPEN = {_filled(route.path) for route in ROUTES if route.access is Access.EVERYBODY}

FOREIGN_HOSTS = [
    "evil.example",
    "evil.example:{port}",
    "localhost.evil.example:{port}",
    "127.0.0.1.nip.io:{port}",
    "localhost.",
    "localhost.:{port}",
    "localhost:{other}",
    "127.0.0.1:{other}",
    "127.0.0.2:{port}",
    "0.0.0.0:{port}",
    "2130706433:{port}",
    "0x7f.1:{port}",
    "[::ffff:127.0.0.1]:{port}",
    "::1",
    "localhost:{port}@evil.example",
    "localhost:{port}, evil.example",
    "localhost:",
    "",
]

ALWAYS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server that wants a token."""
    site = Site(tmp_path_factory.mktemp("guarded") / "jobs.db", work=False, token="s3cret-token")
    site.open()
    yield site
    site.close()


def _is_armoured(answer: Answer) -> bool:
    """Whether an answer carries all that every answer must, and nothing that none may."""
    policy = answer.headers["content-security-policy"]
    return (
        all(answer.headers.get_all(name) == [value] for name, value in ALWAYS.items())
        and policy.startswith("default-src 'none';")
        and "unsafe" not in policy
        and "frame-ancestors 'none'" in policy
        and "server" not in answer.headers
        and not any(name.startswith("access-control-") for name in answer.headers)
    )


def test_every_route_says_who_may_use_it_and_what_it_does() -> None:
    assert len({(route.method, route.path) for route in ROUTES}) == len(ROUTES)
    for route in ROUTES:
        assert isinstance(route.access, Access)
        assert route.summary
        if f"{route.method} {route.path}" not in CHANGING_NOTHING:
            assert (route.access in (Access.READ, Access.EVERYBODY)) == (route.method == "GET")
    assert {"/healthz", "/readyz", "/login", "/logout", "/problems/evicted"} == OPEN


@pytest.mark.parametrize("host", FOREIGN_HOSTS)
def test_a_foreign_host_is_421_on_every_route_and_method(site: Site, host: str) -> None:
    named = host.format(port=site.port, other=site.port + 1)

    for target, method in itertools.product(TARGETS, METHODS):
        answer = site.ask(method, target, headers={"Host": named})
        assert answer.status == 421, (method, target)
        assert method == "HEAD" or answer.problem == "wrong-host"
        assert _is_armoured(answer)


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "[::1]"])
def test_a_local_host_is_believed_with_the_port_or_without(site: Site, host: str) -> None:
    assert site.get("/healthz", Host=host).status == 200
    assert site.get("/healthz", Host=f"{host}:{site.port}").status == 200


def test_a_host_that_was_allowed_is_believed(open_site: Open) -> None:
    site = open_site(allow_host="jobs.example, other.example:444 ,", work=False)

    hosts = ["jobs.example", f"jobs.example:{site.port}", "JOBS.example", "other.example:444"]
    assert [site.get("/healthz", Host=host).status for host in hosts] == [200] * 4
    refused = ["other.example", "jobs.example:444", "x.jobs.example"]
    assert [site.get("/healthz", Host=host).status for host in refused] == [421] * 3


def test_a_forwarded_host_counts_for_nothing(site: Site) -> None:
    forwarded = {"X-Forwarded-Host": "localhost", "Forwarded": "host=localhost"}

    answer = site.ask("GET", "/healthz", headers={"Host": "evil.example", **forwarded})

    assert answer.status == 421


CROSS_SITE = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "cross-site", "Origin": "{own}"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": "http://evil.example"},
    {"Origin": "http://localhost:1"},
    {"Origin": "https://{host}"},
    {"Origin": "{own}.evil.example"},
    {"Origin": "{own}, http://evil.example"},
]


@pytest.mark.parametrize("said", CROSS_SITE, ids=str)
def test_a_cross_site_unsafe_request_is_403_on_every_route(
    site: Site, said: dict[str, str]
) -> None:
    own = {"own": site.address, "host": site.host}
    headers = {name: value.format(**own) for name, value in said.items()}

    for target, method in itertools.product(TARGETS, UNSAFE):
        answer = site.ask(method, target, headers=headers)
        assert (answer.status, answer.problem) == (403, "cross-site")
        assert _is_armoured(answer)


@pytest.mark.parametrize(
    "said",
    [
        {},
        {"Sec-Fetch-Site": "same-origin"},
        {"Sec-Fetch-Site": "none"},
        {"Origin": "{own}"},
        {"Sec-Fetch-Site": "same-origin", "Origin": "null"},
    ],
    ids=str,
)
def test_a_request_of_our_own_or_of_no_browser_passes(site: Site, said: dict[str, str]) -> None:
    headers = {name: value.format(own=site.address) for name, value in said.items()}

    assert site.ask("POST", "/start/add?a=1", headers=headers).status == 202


def test_an_origin_must_name_the_host_that_is_addressed(site: Site) -> None:
    origin = f"http://localhost:{site.port}"

    by_another_name = site.post("/start/add?a=1", Origin=origin)
    by_the_same = site.post("/start/add?a=1", Origin=origin, Host=f"localhost:{site.port}")

    assert by_another_name.status == 403
    assert by_the_same.status == 202


def test_a_name_that_was_allowed_may_stand_for_a_proxy_with_tls() -> None:
    names = Names.of("127.0.0.1", 8080, ["jobs.example"]).origins

    assert names[b"jobs.example"] == {b"http://jobs.example", b"https://jobs.example"}
    assert names[b"localhost:8080"] == {b"http://localhost:8080"}


def test_a_safe_request_of_another_site_is_answered_and_kept_from_it(site: Site) -> None:
    answer = site.get("/v1/jobs", Origin="http://evil.example", Sec_Fetch_Site="cross-site")

    assert answer.status == 200
    assert _is_armoured(answer)


def test_a_preflight_is_granted_nothing(site: Site) -> None:
    answer = site.ask(
        "OPTIONS",
        "/start/add",
        headers={"Origin": "http://evil.example", "Access-Control-Request-Method": "POST"},
    )

    assert answer.status == 204
    assert _is_armoured(answer)


@pytest.mark.parametrize(
    "credentials",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Bearer s3cret-toke",
        "Bearer s3cret-token2",
        "Basic s3cret-token",
        "s3cret-token",
        "Bearer s3cret-token, Bearer x",
        "Bearer \xff\xfe",
    ],
)
def test_without_the_token_it_is_401_on_every_route(guarded: Site, credentials: str) -> None:
    for target, method in itertools.product(TARGETS, METHODS):
        answer = guarded.ask(method, target, headers={"Authorization": credentials})
        if target in OPEN:
            # it may be open and not ready; /login wants a form, and /logout leads there
            assert answer.status in (200, 204, 303, 405, 415, 503)
            continue
        assert answer.status == 401, (method, target)
        assert answer.headers["www-authenticate"].startswith('Bearer realm="offload"')
        assert method == "HEAD" or answer.problem == "unauthorized"
        assert _is_armoured(answer)


def test_a_token_in_the_address_is_none(guarded: Site) -> None:
    answer = guarded.get("/v1/jobs?token=s3cret-token", Authorization="")

    assert answer.status == 401


def test_with_the_token_all_is_as_without_one(guarded: Site) -> None:
    assert guarded.post("/start/add?a=1").status == 202
    assert guarded.get("/v1/jobs", Authorization="bearer s3cret-token").status == 200
    assert guarded.get("/", Host="evil.example").status == 421
    assert guarded.post("/start/add?a=1", Origin="null").status == 403


def test_every_answer_is_armoured(site: Site) -> None:
    job_id = site.finished("/start/add?a=1")
    answers = [
        site.get("/"),
        site.get("/healthz"),
        site.get(f"/status?id={job_id}"),
        site.get(f"/v1/jobs/{job_id}", If_None_Match="*"),
        site.ask("OPTIONS", "/v1/jobs"),
        site.get("/nothing"),
        site.post("/start/nothing"),
        site.post("/start/add"),
        site.ask("POST", "/start/add", b"{", {"Content-Type": "application/json"}),
        site.post("/start/add?a=" + "1" * 9000),
        site.ask("PUT", "/"),
    ]

    assert [answer.status for answer in answers] == [
        200, 200, 200, 304, 204, 404, 404, 422, 400, 414, 405,
    ]  # fmt: skip
    assert all(_is_armoured(answer) for answer in answers)


@pytest.mark.promise("S25")
def test_nothing_that_a_request_carries_is_logged(
    site: Site, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(0)
    secret = "canary-8f31"

    site.post(f"/start/words?text={secret}")
    site.post("/start/words", {"text": secret})
    site.post(f"/start/add?a={secret}")
    site.get("/v1/jobs", Authorization=f"Bearer {secret}")
    site.raw(f"GET /{secret} HTTP/9.9\r\nHost: x\r\n\r\n".encode())

    said = caplog.text + "".join(capfd.readouterr())
    assert secret not in said


@pytest.mark.promise("S25")
def test_a_problem_says_nothing_of_the_inside(site: Site) -> None:
    answers = [
        site.post("/start/nothing"),
        site.post("/start/add?a=x"),
        site.get("/status?id=x"),
        site.ask("POST", "/start/add", b'{"a": NaN}', {"Content-Type": "application/json"}),
        site.get("/v1/jobs?state=x"),
    ]

    for answer in answers:
        assert not any(word in answer.body for word in (b"Traceback", b".py", b"select", b"/src/"))


NAMES = ["os.system", "__import__('os')", "..%2f..%2fx", "%2e%2e", "__class__", "x" * 7000]
NAMES += ["a%00b", "%E2%80%AEmis", "ad%D4%81", "add%20", "ADD", "add;x", "add%0d%0aX:1"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: name[:20])
def test_only_a_registered_name_starts_a_task(site: Site, name: str) -> None:
    answers = [site.post(f"/start/{name}?a=1"), site.post(f"/v1/tasks/{name}/jobs")]

    for answer in answers:
        assert answer.status == 404
        assert answer.problem in ("unknown-task", "not-found")
