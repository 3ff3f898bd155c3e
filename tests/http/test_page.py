"""The page at `/`, and the templates that make other pages: what is not HTML is escaped."""

from offload.dashboard import POLICY
from offload.http.page.html import Html, fill
from tests.http.site import Site


def test_the_page_is_the_dashboard(site: Site) -> None:
    page = site.get("/")

    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["content-security-policy"] == POLICY
    assert b"/shell/app.js" in page.body


def test_a_template_escapes_all_that_is_not_html() -> None:
    filled = fill('<p title="$title">$text$html</p>', title='"', text="<&>", html=Html("<b>"))

    assert filled == '<p title="&quot;">&lt;&amp;&gt;<b></p>'
    assert type(filled) is Html
