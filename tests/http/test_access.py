"""Tokens, browsers and other people's pages, as somebody outside meets them."""

import logging
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from offload import Offload, keyring
from offload.access.ring import Ring
from offload.config import Config
from offload.errors import ConfigError
from offload.http.access_log import log as access_log
from offload.http.keeper import Keeper
from offload.http.origins import Origins
from offload.http.server import HttpServer
from offload.http.throttle import Throttle
from offload.units import rate
from offload.wire.problems import Problem
from tests.http.conftest import Open
from tests.http.credentials import FORM, Guarded, bearer, log_in, new_token
from tests.http.site import Site
from tests.support import eventually

PAGE = "https://page.example"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    site = Guarded(
        tmp_path_factory.mktemp("guarded") / "jobs.db", allow_origin=f"{PAGE}, http://other:81"
    )
    yield site
    site.close()


@pytest.fixture
def job_id(guarded: Guarded) -> int:
    answer = guarded.ask("POST", "/start/add?a=1", headers=bearer(guarded.tokens["submit"]))
    found: int = answer.json["id"]
    return found


# --- tokens


def test_a_server_is_open_until_there_is_a_token_and_again_when_the_last_is_revoked(
    open_site: Open,
) -> None:
    site = open_site(work=False)
    assert site.post("/start/add?a=1").status == 202

    token = new_token(site.app, "first")
    eventually(lambda: site.get("/v1/jobs").status == 401)
    assert site.ask("GET", "/v1/jobs", headers=bearer(token)).status == 200

    site.app.run(keyring.revoke("first", site.app.now()))
    eventually(lambda: site.get("/v1/jobs").status == 200)


def test_a_new_token_opens_at_once_and_a_revoked_one_nothing_within_a_second(
    guarded: Guarded,
) -> None:
    assert guarded.asks(guarded.tokens["read"]) == 200

    token = new_token(guarded.app, "brief")
    eventually(lambda: guarded.asks(token) == 200, 5)  # 0.02, on a machine that has the time
    guarded.app.run(keyring.revoke("brief", guarded.app.now()))
    revoked_at = time.monotonic()

    eventually(lambda: guarded.asks(token) == 401)
    assert time.monotonic() - revoked_at < 5  # one, on a machine that has the time


def test_a_door_does_not_open_because_a_token_expires(open_site: Open) -> None:
    site = open_site(work=False)
    token = new_token(site.app, "old", lasts=10, made=100)

    eventually(lambda: site.get("/v1/jobs").status == 401)

    assert site.ask("GET", "/v1/jobs", headers=bearer(token)).status == 401


def test_no_secret_is_stored(guarded: Guarded, job_id: int) -> None:
    cookie = log_in(guarded, guarded.tokens["read"])
    link = guarded.app.run(keyring.offer_link(guarded.app.now()))
    database = guarded.app.database

    content = b"".join(
        file.read_bytes() for file in database.parent.glob(f"{database.name}*") if file.is_file()
    )

    for secret in (*guarded.tokens.values(), cookie.partition("=")[2], link):
        assert secret.encode() not in content


def test_it_is_kept_when_a_token_was_last_used(guarded: Guarded) -> None:
    guarded.asks(guarded.tokens["control"])

    def used_at() -> float | None:
        guarded.asks(guarded.tokens["control"])
        tokens = guarded.app.run(keyring.tokens())
        return next(token.last_used_at for token in tokens if token.name == "control")

    eventually(used_at)
    assert guarded.app.now() - (used_at() or 0) < 60


def test_what_was_changed_over_http_is_told_by_the_name_of_the_token(
    guarded: Guarded, job_id: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, access_log.name)
    cookie = log_in(guarded, guarded.tokens["control"])

    guarded.ask("POST", f"/cancel?id={job_id}", headers={"Cookie": cookie})

    events = guarded.app.history(job_id)
    assert [event.actor for event in events] == ["submit", "control (browser)"]
    eventually(lambda: "'control (browser)'" in caplog.text)
    assert guarded.tokens["control"] not in caplog.text
    assert cookie.partition("=")[2] not in caplog.text


def test_a_stream_ends_when_its_token_is_revoked(
    guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("offload.http.stream.BEAT_SECONDS", 0.1)
    token = new_token(guarded.app, "listener")
    eventually(lambda: guarded.asks(token) == 200)
    connection = HTTPConnection("127.0.0.1", guarded.port, timeout=20)
    connection.request("GET", "/v1/events", headers=bearer(token) | {"Accept": "text/event-stream"})
    stream = connection.getresponse()
    assert stream.status == 200

    guarded.app.run(keyring.revoke("listener", guarded.app.now()))

    assert stream.read().endswith(b"\n")  # to its end, or the time limit
    connection.close()


def test_a_wider_address_is_served_with_a_stored_token_and_stays_closed_without(
    tmp_path: Path,
) -> None:
    with Offload(tmp_path / "jobs.db", worker="off") as app:
        token = new_token(app, "only")
    site = Site(tmp_path / "jobs.db", work=False, host="0.0.0.0")
    site.open()
    assert site.ask("GET", "/v1/jobs", headers=bearer(token)).status == 200

    site.app.run(keyring.revoke("only", site.app.now()))

    eventually(lambda: site.ask("GET", "/v1/jobs", headers=bearer(token)).status == 401)
    assert site.get("/v1/jobs").status == 401
    site.close()


# --- for one job


def test_a_token_for_one_job_may_stand_in_the_address_of_a_get(
    guarded: Guarded, job_id: int
) -> None:
    given = guarded.ask(
        "POST", f"/v1/jobs/{job_id}/token", b'{"expires": "10m"}',
        {"Content-Type": "application/json", **bearer(guarded.tokens["read"])},
    ).json  # fmt: skip
    shown = f"access_token={given['token']}"

    assert given["job"] == job_id
    assert guarded.get(f"/v1/jobs/{job_id}?{shown}").json["id"] == job_id
    assert guarded.get(f"/v1/jobs/{job_id}/events?{shown}&after=0").status == 200
    assert guarded.get(f"/v1/jobs/{job_id + 1}?{shown}").status == 403
    assert guarded.post(f"/v1/jobs/{job_id}/cancel?{shown}").status == 401


def test_no_other_token_may_stand_in_an_address(guarded: Guarded, job_id: int) -> None:
    for token in guarded.tokens.values():
        answer = guarded.get(f"/v1/jobs/{job_id}?access_token={token}")
        assert (answer.status, answer.problem) == (401, "unauthorized")


@pytest.mark.parametrize(
    "body", [b'{"expires": 0}', b'{"expires": "2d"}', b'{"expires": "x"}', b'{"x": 1}']
)
def test_how_long_it_lasts_is_checked(guarded: Guarded, job_id: int, body: bytes) -> None:
    headers = {"Content-Type": "application/json", **bearer(guarded.tokens["read"])}

    answer = guarded.ask("POST", f"/v1/jobs/{job_id}/token", body, headers)

    assert (answer.status, answer.problem) == (422, "invalid-parameters")


def test_a_slip_that_was_changed_or_is_over_opens_nothing(guarded: Guarded, job_id: int) -> None:
    headers = bearer(guarded.tokens["read"])
    slip: str = guarded.ask("POST", f"/v1/jobs/{job_id}/token", headers=headers).json["token"]
    job, expires, giver, signature = slip.removeprefix("ofj_").split(".")
    known = guarded.app.run(keyring.known(guarded.app.now()))
    assert known is not None

    changed = [
        f"ofj_{int(job) + 1}.{expires}.{giver}.{signature}",
        f"ofj_{job}.{int(expires) + 1}.{giver}.{signature}",
        f"ofj_{job}.{expires}.{int(giver) + 1}.{signature}",
        f"ofj_{job}.{expires}.{giver}.{'A' * 43}",
    ]
    assert [guarded.asks(each, f"/v1/jobs/{job_id}") for each in changed] == [401] * 4
    ring = Ring(known)
    assert ring.of_token(slip.encode(), int(expires) - 1) is not None
    assert ring.of_token(slip.encode(), int(expires)) is None


# --- who asks


ALL_SCOPES = ["read", "submit", "control", "admin"]


@pytest.mark.parametrize(
    ("made_with", "opens"),
    [
        ("read", ["read"]),
        ("submit", ["read", "submit"]),
        ("control", ["read", "control"]),
        ("admin", ALL_SCOPES),
    ],
)
def test_who_asks_is_told_what_they_may_do(
    guarded: Guarded, made_with: str, opens: list[str]
) -> None:
    token = guarded.tokens[made_with]
    shown = {"Cookie": log_in(guarded, token)}

    as_program = guarded.ask("GET", "/v1/session", headers=bearer(token))
    as_browser = guarded.ask("GET", "/v1/session", headers=shown)

    assert as_program.json == {"name": made_with, "scopes": opens}
    assert as_browser.json == {"name": f"{made_with} (browser)", "scopes": opens}


def test_where_nobody_has_to_say_who_they_are_everything_is_open(site: Site) -> None:
    assert site.get("/v1/session").json == {"name": None, "scopes": ALL_SCOPES}


def test_a_token_for_one_job_and_nobody_are_not_told_of_a_session(
    guarded: Guarded, job_id: int
) -> None:
    token = new_token(guarded.app, "one job", job=job_id)
    eventually(lambda: guarded.asks(token, f"/v1/jobs/{job_id}") == 200)

    assert guarded.asks(token, "/v1/session") == 403
    assert guarded.get("/v1/session").status == 401


# --- browsers


def test_a_browser_without_a_session_is_led_to_the_login_and_a_program_is_not(
    guarded: Guarded,
) -> None:
    html = {"Accept": "text/html,*/*"}

    assert guarded.ask("GET", "/", headers=html).headers["location"] == "./login"
    deep = guarded.ask("GET", "/v1/jobs/7", headers=html)
    assert (deep.status, deep.headers["location"]) == (303, "../../login?next=v1/jobs/7")
    assert guarded.get("/v1/jobs/7").status == 401
    assert guarded.ask("POST", "/start/add", headers=html).status == 401


def test_a_browser_logs_in_by_its_token_and_out(guarded: Guarded) -> None:
    page = guarded.get("/login?next=docs")
    answer = guarded.ask(
        "POST", "/login", f"token={guarded.tokens['read']}&next=docs".encode(), FORM
    )
    cookie = answer.headers["set-cookie"]
    shown = {"Cookie": f"other=1; {cookie.partition(';')[0]}"}

    assert b'value="docs"' in page.body
    assert "form-action 'self'" in page.headers["content-security-policy"]
    assert answer.headers["location"] == "./docs"
    assert {"HttpOnly", "SameSite=Strict"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert cookie.startswith(f"offload_session_{guarded.port}=")
    assert guarded.ask("GET", "/v1/jobs", headers=shown).status == 200

    out = guarded.ask("POST", "/logout", headers=shown)
    assert (out.status, out.headers["location"]) == (303, "./login")
    assert "Max-Age=0" in out.headers["set-cookie"]
    assert guarded.ask("GET", "/v1/jobs", headers=shown).status == 401


def test_behind_tls_the_cookie_is_for_tls_only(open_site: Open) -> None:
    site = open_site(work=False, token="t", allow_host="jobs.example")

    answer = site.ask(
        "POST", "/login", b"token=t",
        {**FORM, "Host": "jobs.example", "Origin": "https://jobs.example"},
    )  # fmt: skip

    assert "Secure" in answer.headers["set-cookie"].split("; ")
    assert answer.headers["set-cookie"].startswith("offload_session=")


@pytest.mark.parametrize(
    "following", ["//evil.example", "http://evil.example", "..", "a/../..", "\\"]
)
def test_a_login_leads_to_no_other_site(guarded: Guarded, following: str) -> None:
    body = f"token={guarded.tokens['read']}&next={following}".encode()

    assert guarded.ask("POST", "/login", body, FORM).headers["location"] == "./"


def test_a_wrong_token_is_refused_on_the_page_and_to_a_program(guarded: Guarded) -> None:
    for token in ("wrong", "", "%00"):
        body = f"token={token}".encode()
        page = guarded.ask("POST", "/login", body, FORM | {"Accept": "text/html"})
        told = guarded.ask("POST", "/login", body, FORM)
        assert (page.status, told.status, told.problem) == (401, 401, "unauthorized")
        assert b'role="alert"' in page.body
        assert "set-cookie" not in page.headers


def test_the_server_s_link_logs_in_once_and_only_by_its_button(guarded: Guarded) -> None:
    link = guarded.app.run(keyring.offer_link(guarded.app.now()))
    body = f"once={link}".encode()

    pages = [guarded.get(f"/login?once={link}") for _ in range(2)]
    first, second = (guarded.ask("POST", "/login", body, FORM) for _ in range(2))

    assert [page.status for page in pages] == [200, 200]
    assert "set-cookie" not in pages[0].headers
    assert (first.status, second.status) == (303, 401)
    cookie = {"Cookie": first.headers["set-cookie"].partition(";")[0]}
    assert guarded.ask("POST", "/start/add?a=1", headers=cookie).status == 202
    guarded.app.run(keyring.log_out(None))
    eventually(lambda: guarded.ask("GET", "/v1/jobs", headers=cookie).status == 401)


def test_a_link_is_over_after_ten_minutes(guarded: Guarded) -> None:
    link = guarded.app.run(keyring.offer_link(guarded.app.now() - keyring.LINK_SECONDS))

    assert guarded.ask("POST", "/login", f"once={link}".encode(), FORM).status == 401


def test_nobody_is_logged_in_by_another_site(guarded: Guarded) -> None:
    body = f"token={guarded.tokens['read']}".encode()

    answer = guarded.ask("POST", "/login", body, FORM | {"Origin": "http://evil.example"})

    assert (answer.status, answer.problem) == (403, "cross-site")


def test_a_form_is_bounded(guarded: Guarded) -> None:
    assert guarded.ask("POST", "/login", b"token=" + b"x" * 9000, FORM).status == 413


# --- other people's pages


def test_an_allowed_page_may_ask_with_a_token(guarded: Guarded) -> None:
    said = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
    read, submit = (bearer(guarded.tokens[name]) for name in ("read", "submit"))

    for method, target, shown, status in (
        ("GET", "/v1/jobs", read, 200),
        ("POST", "/start/add?a=1", submit, 202),
        ("POST", "/start/add?a=1", read, 403),
        ("GET", "/v1/jobs", {}, 401),
    ):
        answer = guarded.ask(method, target, headers={**said, **shown})
        assert answer.status == status
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["vary"] == "Origin"
        assert "access-control-allow-credentials" not in answer.headers


def test_a_cookie_counts_for_nothing_on_another_page(guarded: Guarded) -> None:
    cookie = {"Cookie": log_in(guarded, guarded.tokens["admin"])}

    answer = guarded.ask("POST", "/start/add?a=1", headers={**cookie, "Origin": PAGE})

    assert (answer.status, answer.problem) == (403, "cross-site")


def test_an_allowed_page_may_not_start_jobs_on_a_server_that_asks_for_nothing(
    open_site: Open,
) -> None:
    site = open_site(work=False, allow_origin=PAGE)
    said = {"Origin": PAGE, "Authorization": "Bearer x"}

    assert site.get("/v1/jobs", Origin=PAGE).headers["access-control-allow-origin"] == PAGE
    assert site.ask("POST", "/start/add?a=1", headers=said).status == 403


def test_a_preflight_is_answered_to_an_allowed_page_alone(guarded: Guarded) -> None:
    asked = {"Access-Control-Request-Method": "POST"}

    allowed = guarded.ask("OPTIONS", "/start/add", headers={**asked, "Origin": PAGE})
    foreign = guarded.ask("OPTIONS", "/start/add", headers={**asked, "Origin": "https://x.example"})

    assert allowed.status == 204
    assert "Authorization" in allowed.headers["access-control-allow-headers"]
    assert foreign.status == 401
    assert foreign.headers["vary"] == "Origin"
    assert "access-control-allow-origin" not in foreign.headers


@pytest.mark.parametrize("text", ["*", "null", "page.example", "https://p.example/", "HTTP://p"])
def test_an_origin_that_is_none_is_refused_at_the_start(text: str) -> None:
    with pytest.raises(ConfigError, match="is no origin"):
        Origins([text])


# --- how much


def test_one_client_starts_so_many_and_others_are_not_held_up(tmp_path: Path) -> None:
    site = Guarded(tmp_path / "jobs.db", start_rate="2/h")
    submit, admin = (bearer(site.tokens[name]) for name in ("submit", "admin"))

    answers = [site.ask("POST", "/start/add?a=1", headers=submit) for _ in range(3)]

    assert [answer.status for answer in answers] == [202, 202, 429]
    assert answers[2].problem == "too-many-starts"
    assert 0 < int(answers[2].headers["retry-after"]) <= 1800
    many = b'[{"task": "add", "params": {"a": 1}}, {"task": "add", "params": {"a": 1}}]'
    json = {"Content-Type": "application/json"}
    assert site.ask("POST", "/v1/jobs", many, json | admin).status == 202
    assert site.ask("POST", "/v1/jobs", many, json | admin).status == 429
    site.close()


def test_a_rate_is_never_exceeded_in_any_stretch() -> None:
    now = [0.0]
    throttle = Throttle(rate("10/s"), lambda: now[0])
    granted: list[float] = []

    for step in range(1000):
        now[0] = step * 0.01
        try:
            throttle.spend(b"a")
        except Problem:
            continue
        granted.append(now[0])

    assert len(granted) == 10 + 99  # a full second's worth at once, then one each tenth


def test_the_hot_path_asks_nobody(tmp_path: Path) -> None:
    site = Site(tmp_path / "jobs.db", work=False)
    now = [0.0]
    keeper = Keeper(site.app, "t", monotonic=lambda: now[0])
    keeper._read_at = 0.0

    now[0] = 0.4

    assert keeper.fresh() is keeper.ring
    assert keeper._reading is None
    site.server.bind()
    assert site.server._socket is not None
    site.server._socket.close()
    site.app.close()


def test_a_setting_that_is_no_rate_is_refused_at_the_start(tmp_path: Path) -> None:
    site = Site(tmp_path / "jobs.db", work=False)
    assert site.server._socket is not None
    site.server._socket.close()

    with pytest.raises(ConfigError, match="start_rate"):
        HttpServer(site.app, Config(start_rate="fast"))
