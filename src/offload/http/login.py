"""Logging in: a browser shows a token once, or comes by the server's link, and keeps a cookie.

The link is only a page with a button: what fetches addresses beforehand (a chat, a mail program,
a browser that guesses) uses nothing up, since a GET changes nothing.
"""

import re
from collections.abc import Mapping
from importlib.resources import files

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from offload import keyring
from offload.access.ring import Visitor
from offload.access.secrets import digest_of
from offload.http import cookies
from offload.http.body import read_nothing
from offload.http.door import Door
from offload.http.page.html import Html, fill, hash_source
from offload.http.permits import CHALLENGE, keeper_of, unauthorized
from offload.wire.problems import Problem
from offload.wire.query import read_no_query, read_query, refuse_repeated

LARGEST_FORM = 8 << 10

FORM = "application/x-www-form-urlencoded"

_folder = files("offload.http")
_PAGE = (_folder / "login.html").read_text("utf-8")
_STYLE = (_folder / "login.css").read_text("utf-8")

POLICY = (
    f"default-src 'none'; style-src {hash_source(_STYLE)}; base-uri 'none'; form-action 'self'; "
    "frame-ancestors 'none'"
)

_TOKEN_FORM = """<p class="soft">This server asks for a token.</p>
$said
<form method="post" action="login">
<label for="token">Token</label>
<input id="token" name="token" type="password" autocomplete="current-password" required autofocus>
<input type="hidden" name="next" value="$following">
<button>Log in</button>
</form>
<p class="soft hint">Where the database is, <code>offload token create NAME</code> makes one.</p>
"""

_LINK_FORM = """<p class="soft">This link logs this browser in, once.</p>
$said
<form method="post" action="login">
<input type="hidden" name="once" value="$once">
<input type="hidden" name="next" value="$following">
<button autofocus>Log in</button>
</form>
"""

_OPEN = """<p>Nobody has to log in: this server has no token, and only this machine reaches it.</p>
<p><a href="./">Go on</a></p>
"""

_SAID = '<p class="bad" role="alert">$text</p>'

_FOLLOWING = re.compile(r"(?!.*\.\.)[A-Za-z0-9_-][A-Za-z0-9_./-]{0,500}", re.ASCII)
"""A path below ours, and nothing that could be another site."""


async def show(door: Door, request: Request) -> Response:
    """Show the page that asks for a token, or the button of a link."""
    said = _read(request.scope["query_string"], ("once", "next"))
    keeper = keeper_of(request.scope)
    await keeper.look()
    if keeper.is_open:
        return _page(Html(_OPEN))
    return _asking(said)


async def log_in(door: Door, request: Request) -> Response:
    """Begin a session: by a token, or by the link."""
    read_no_query(request.scope["query_string"])
    said = _read(await _form(request), ("token", "once", "next"))
    begun = await _begin(door, request, said)
    if isinstance(begun, Response):
        return begun
    keeper_of(request.scope).forget()
    headers = {
        "location": f"./{_following(said)}",
        "set-cookie": cookies.set_session(
            _host(request), begun, is_encrypted=_is_encrypted(request)
        ),
    }
    return Response(status_code=303, headers=headers)


async def log_out(door: Door, request: Request) -> Response:
    """End the session of this browser, and take its cookie away."""
    read_no_query(request.scope["query_string"])
    await read_nothing(request)
    shown = cookies.session_shown(_cookies(request), _host(request))
    if shown is not None:
        await door.app.perform(keyring.log_out(digest_of(shown)))
        keeper_of(request.scope).forget()
    cookie = cookies.drop_session(_host(request), is_encrypted=_is_encrypted(request))
    return Response(status_code=303, headers={"location": "./login", "set-cookie": cookie})


async def _begin(door: Door, request: Request, said: Mapping[str, str]) -> str | Response:
    """Return what the browser is to keep, or the page that says why it is given nothing."""
    now = door.app.now()
    if said.get("once"):
        by_link = await door.app.perform(keyring.log_in_by(said["once"], now))
        if by_link is not None:
            return by_link[1]
        gone = "This link was used already, or its ten minutes are over. Show a token instead."
        return _refusal(request, {"next": said.get("next", "")}, gone)
    holder = await _holder(request, said.get("token", "").strip())
    if holder is None:
        return _refusal(request, said, "This token is not valid, or not any more.")
    if holder.job is not None:
        return _refusal(request, said, "This token is for a single job; it does not log in.")
    _, secret = await door.app.perform(keyring.log_in(holder.digest, now))
    return secret


async def _holder(request: Request, token: str) -> Visitor | None:
    keeper = keeper_of(request.scope)
    ring = await keeper.look()
    return ring.of_token(token.encode("utf-8", "replace"), keeper.now()) if token else None


def _refusal(request: Request, said: Mapping[str, str], why: str) -> Response:
    """Show the page again with what was wrong; to a program it is a problem like any other.

    Raises:
        Problem: unauthorized.
    """
    if "text/html" not in request.headers.get("accept", ""):
        raise unauthorized(why, "invalid_token")
    return _asking(said, why, 401)


# --- what is shown


def _asking(said: Mapping[str, str], trouble: str = "", status: int = 200) -> Response:
    once, following = said.get("once", ""), _following(said)
    form = _LINK_FORM if once and not trouble else _TOKEN_FORM
    told = fill(_SAID, text=trouble) if trouble else Html("")
    return _page(fill(form, said=told, once=once, following=following), status)


def _page(content: Html, status: int = 200) -> Response:
    headers = {"content-security-policy": POLICY}
    if status == 401:
        headers["www-authenticate"] = CHALLENGE
    document = fill(_PAGE, style=Html(_STYLE), content=content)
    return Response(document, status, headers, "text/html; charset=utf-8")


# --- what is read


def _read(raw: bytes, names: tuple[str, ...]) -> dict[str, str]:
    """Read the fields of a form or of a query; what is unknown means nothing."""
    pairs = [(name, value) for name, value in read_query(raw) if name in names]
    said = dict(pairs)
    refuse_repeated(name for name in said if [each for each, _ in pairs].count(name) > 1)
    return said


async def _form(request: Request) -> bytes:
    """Return the body of a form.

    Raises:
        Problem: wrong-media-type, body-too-large.
        ClientDisconnect: the client went away.
    """
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem("wrong-media-type", f"log in with a form: {FORM}", headers={"accept": FORM})
    body, more = b"", True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        body += message.get("body", b"")
        more = message.get("more_body", False)
        if len(body) > LARGEST_FORM:
            raise Problem("body-too-large", f"this form has at most {LARGEST_FORM:,} bytes")
    return body


def _following(said: Mapping[str, str]) -> str:
    wanted = said.get("next", "")
    return wanted if _FOLLOWING.fullmatch(wanted) else ""


def _host(request: Request) -> bytes:
    return request.headers["host"].encode()


def _cookies(request: Request) -> list[bytes]:
    return [each.encode("latin-1") for each in request.headers.getlist("cookie")]


def _is_encrypted(request: Request) -> bool:
    """Whether the browser speaks TLS, to whatever stands before us: its page's origin says so."""
    return request.headers.get("origin", "").lower().startswith("https://")
