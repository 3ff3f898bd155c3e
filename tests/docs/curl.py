"""As much of curl as the pages use, so that no machine has to have it: `-i -s -X -H -d`."""

import http.client
import re
import shlex
from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server answered."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...]
    body: str

    def printed(self, *, with_headers: bool) -> str:
        """What curl would print."""
        if not with_headers:
            return self.body
        lines = [f"HTTP/1.1 {self.status} {self.reason}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        return "\n".join([*lines, "", self.body])


def curl(command: str) -> tuple[Answer, str]:
    """Carry out a curl command line; returns the answer, and what is printed of it."""
    method, url, headers, body, with_headers = "", "", {}, None, False
    words = iter(shlex.split(command)[1:])
    for word in words:
        match word:
            case "-i":
                with_headers = True
            case "-s":
                continue
            case "-X":
                method = next(words)
            case "-H":
                name, _, value = next(words).partition(":")
                headers[name] = value.strip()
            case "-d":
                body = next(words)
                headers.setdefault("Content-Type", "application/x-www-form-urlencoded")
            case _ if word.startswith("-"):
                raise ValueError(f"the pages may not use curl's option {word}")
            case _:
                assert not url, f"two addresses in {command!r}"
                url = word
    default = "GET" if body is None else "POST"
    answer = _ask(method or default, url, headers, body)
    return answer, answer.printed(with_headers=with_headers)


def _ask(method: str, url: str, headers: dict[str, str], body: str | None) -> Answer:
    parts = urlsplit(url if "://" in url else f"http://{url}")
    assert not re.search(r"[\s{}\[\]]", url), f"curl would not take {url!r} as it is"
    connection = http.client.HTTPConnection(parts.netloc, timeout=75)
    try:
        target = parts.path or "/"
        target += f"?{parts.query}" if parts.query else ""
        connection.request(method, target, None if body is None else body.encode(), headers)
        response = connection.getresponse()
        text = response.read().decode()
        return Answer(response.status, response.reason, tuple(response.getheaders()), text)
    finally:
        connection.close()
