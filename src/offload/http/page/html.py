"""HTML from templates in which every value is text, unless it says that it is HTML already."""

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from string import Template


class Html(str):
    """Text that is HTML, made here from a template and escaped values."""

    __slots__ = ()


def fill(template: str, **values: object) -> Html:
    """Put values into a template's `$names`; what is not `Html` is escaped."""
    return Html(Template(template).substitute({name: _html(v) for name, v in values.items()}))


def join(parts: Iterable[Html]) -> Html:
    """Put pieces of HTML after each other."""
    return Html("".join(parts))


def hash_source(content: str) -> str:
    """Return what a content security policy allows just this style or script by."""
    digest = hashlib.sha256(content.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def _html(value: object) -> str:
    return value if isinstance(value, Html) else escape(str(value))
