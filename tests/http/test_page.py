"""The page for people: what is on it, and that nothing on it can be more than text."""

import base64
import hashlib
import re
from collections.abc import Iterator
from html.parser import HTMLParser

import pytest

from offload import Offload
from offload.http.page.commands import example_query
from offload.http.page.html import Html, fill
from offload.http.page.state import duration
from tests.http.conftest import Open
from tests.http.site import Answer, Site
from tests.support import eventually

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</style></title></textarea></noscript><img src=x onerror=alert(1)>",
    "\" onmouseover=\"alert(1)\" x=\"",
    "' onfocus='alert(1)' autofocus='",
    "<!--", "-->", "]]>", "<![CDATA[",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "&#60;svg onload=alert(1)&#62;",
    "javascript:alert(1)",
    "$style ${script} $$ $",
    "{{7*7}} ${7*7} <%= 7*7 %> #{7*7}",
    "\u202egnp.exe\u2066",
    "\ufeff\0\x1b[31m",
    "<svg/onload=alert(1)>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<a href=\"data:text/html,<script>alert(1)</script>\">x</a>",
]  # fmt: skip

EXPECTED_TAGS = {
    "html", "head", "meta", "title", "link", "style", "noscript", "body", "header", "h1", "p",
    "b", "main", "section", "ul", "li", "h2", "div", "table", "thead", "tr", "th", "tbody", "td",
    "a", "code", "span", "progress", "pre", "footer", "script",
}  # fmt: skip


class Reader(HTMLParser):
    """Collects the elements, their attributes, and the text between them."""

    def __init__(self, answer: Answer) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.inside: dict[str, str] = {"style": "", "script": ""}
        self._tag = ""
        self.feed(answer.body.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._tag = tag

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""

    def handle_data(self, data: str) -> None:
        if self._tag in self.inside:
            self.inside[self._tag] += data
        else:
            self.text += data


def test_the_page_shows_what_is_served_and_lines_to_copy(site: Site) -> None:
    page = Reader(site.get("/"))

    assert f"serves the tests at {site.address}" in page.text
    assert "add(a: int, b: int = 1)" in page.text
    assert "Add two numbers." in page.text
    assert "also failing" in page.text
    for line in (
        f'curl -X POST "{site.address}/start/add?a=2"',
        f'curl "{site.address}/status?id=1"',
        f'curl "{site.address}/result?id=1"',
        f'curl -X POST "{site.address}/cancel?id=1"',
    ):
        assert line in page.text


def test_a_line_to_copy_works(site: Site) -> None:
    page = Reader(site.get("/"))
    [target] = re.findall(rf'POST "{site.address}(/start/add\S+)"', page.text)

    assert site.post(target).status == 202


def test_lines_to_copy_name_the_server_as_the_reader_does(site: Site) -> None:
    page = Reader(site.get("/", Host=f"localhost:{site.port}"))

    assert f'curl "http://localhost:{site.port}/status?id=1"' in page.text


def test_the_page_shows_the_state_of_things(open_site: Open) -> None:
    site = open_site(concurrency=1)
    [running] = site.held()
    eventually(lambda: site.get(f"/status?id={running}").json["progress"] is not None)
    waiting = site.start("/start/add?a=7&b=8")
    site.post(f"/cancel?id={site.start('/start/add?a=1')}")

    page = Reader(site.get("/"))

    text = " ".join(page.text.split())
    assert "1queued1running0succeeded0failed1cancelled" in text.replace(" ", "")
    assert f"Job {waiting} waits: the only place of the queue 'default' is taken." in text
    assert f"{waiting}add a=7, b=8 ○queued" in re.sub(r" (?=add)", "", text)
    assert "1 / 4" in text
    bars = [attributes for tag, attributes in page.elements if tag == "progress"]
    assert [(bar["value"], bar["max"]) for bar in bars] == [("1", "4")]


def test_the_page_of_an_empty_database_says_how_to_begin(open_site: Open) -> None:
    site = open_site()
    eventually(lambda: site.get("/").status == 200)

    assert "Nothing has been started yet" in Reader(site.get("/")).text


def test_the_page_shows_the_newest_20_jobs(open_site: Open) -> None:
    site = open_site(work=False)
    ids = [site.start("/start/add?a=1") for _ in range(22)]

    page = Reader(site.get("/"))

    links = [attributes["href"] for tag, attributes in page.elements if tag == "a"]
    jobs = [link for link in links if re.fullmatch(r"/v1/jobs/\d+", link or "")]
    assert jobs == [f"/v1/jobs/{job_id}" for job_id in reversed(ids[2:])]


def test_the_page_runs_its_own_script_only_and_fetches_nothing(site: Site) -> None:
    answer = site.get("/")
    page, policy = Reader(answer), answer.headers["content-security-policy"]

    assert "unsafe" not in policy
    for tag in ("style", "script"):
        digest = hashlib.sha256(page.inside[tag].encode()).digest()
        assert f"{tag}-src 'sha256-{base64.b64encode(digest).decode()}';" in policy
    assert [tag for tag, _ in page.elements].count("script") == 1
    assert {tag for tag, _ in page.elements} <= EXPECTED_TAGS
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
    links = [attributes.get("href") or "" for _, attributes in page.elements]
    assert all(link in ("", "data:,", "/docs") or link.startswith("/v1/") for link in links)


@pytest.fixture(scope="module")
def crowded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A server for one text after the other."""
    site = Site(tmp_path_factory.mktemp("crowded") / "jobs.db")
    site.open()
    yield site
    site.close()


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_never_html(crowded: Site, text: str) -> None:
    usual = {tag for tag, _ in Reader(_filled_page(crowded, "harmless")).elements}

    answer = _filled_page(crowded, text)

    page = Reader(answer)
    assert {tag for tag, _ in page.elements} == usual
    assert [tag for tag, _ in page.elements].count("script") == 1
    for _, attributes in page.elements:
        assert not any(name.startswith("on") or name in ("style", "src") for name in attributes)
    shown = crowded.get("/v1/jobs?limit=4")
    assert shown.headers["content-type"] == "application/json"


def _filled_page(site: Site, text: str) -> Answer:
    """The page after a text has been a parameter, a result, an error, an owner and a tag."""
    site.finished("/start/echo", {"value": text})
    site.finished("/start/echo", {"value": {text: text}})
    site.finished("/start/boom", {"message": text})
    options = {"owner": text, "tags": [text]}
    site.finished("/v1/tasks/add/jobs", {"params": {"a": 1}, "options": options})
    return site.get("/")


def test_the_task_s_own_words_are_text_too(open_site: Open) -> None:
    site = open_site()

    def mark(value: str = "<i>") -> None:
        """Say <b>hello</b> & <script>alert(1)</script>."""

    site.app.task(mark)
    site.finished("/start/mark")

    page = Reader(site.get("/"))

    assert "Say <b>hello</b> & <script>alert(1)</script>." in page.text
    assert "mark(value: str = '<i>')" in page.text
    assert "i" not in {tag for tag, _ in page.elements}


def test_a_template_escapes_all_that_is_not_html() -> None:
    filled = fill('<p title="$title">$text$html</p>', title='"', text="<&>", html=Html("<b>"))

    assert filled == '<p title="&quot;">&lt;&amp;&gt;<b></p>'
    assert type(filled) is Html


def test_an_example_gives_each_parameter_that_must_be_given() -> None:
    app = Offload()

    @app.task
    def many(
        *, a: int, b: int, ok: bool, x: float, name: str, rows: list[int], m: int | None, z: int = 1
    ) -> None:
        pass

    schema = app.registry.find("many").signature.schema()

    query = example_query(schema)

    assert query == "a=2&b=20&ok=true&x=0.5&name=text&rows=%5B%5D&m=200"


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(-1, "0 s"), (0.4, "0 s"), (59, "59 s"), (90, "2 min"), (7200, "2 h"), (864_000, "10 d")],
)
def test_durations_are_written_as_people_say_them(seconds: float, words: str) -> None:
    assert duration(seconds) == words
