"""The document for people: one page without a script, and nothing fetched from elsewhere."""

import json
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from offload.http.openapi.schemas import WHERE
from offload.http.page.html import Html, fill, hash_source, join

_folder = files(__package__)
_PAGE = (_folder / "viewer.html").read_text("utf-8")
_STYLE = (files("offload.http.page") / "page.css").read_text("utf-8") + (
    _folder / "viewer.css"
).read_text("utf-8")

POLICY = (
    f"default-src 'none'; style-src {hash_source(_STYLE)}; img-src data:; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'"
)

_SECTION = "<section><h2>$tag</h2>$operations</section>"
_OPERATION = """<details class="card operation">
<summary><code><span class="method">$method</span> $path</code> <span class="soft">$summary</span>
</summary>$parts</details>"""
_PART = "<h3>$name</h3>$content"
_TABLE = '<div class="scroll"><table>$rows</table></div>'
_ROW = "<tr><td><code>$first</code></td><td>$second</td></tr>"
_CODE = "<pre>$text</pre>"


def view(document: Mapping[str, Any], address: str) -> Html:
    """Return the page.

    Args:
        document: the OpenAPI document.
        address: where the server is, as the client has it.
    """
    by_tag: dict[str, list[Html]] = {}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            shown = _operation(document, method.upper(), path, operation)
            by_tag.setdefault(operation["tags"][0], []).append(shown)
    sections = (
        fill(_SECTION, tag=tag, operations=join(found)) for tag, found in sorted(by_tag.items())
    )
    return fill(
        _PAGE,
        style=Html(_STYLE),
        version=document["info"]["version"],
        address=address,
        sections=join(sections),
    )


def _operation(
    document: Mapping[str, Any], method: str, path: str, operation: Mapping[str, Any]
) -> Html:
    asked = [
        (each["name"], each.get("description", each["in"])) for each in operation["parameters"]
    ]
    answered = [(status, each["description"]) for status, each in operation["responses"].items()]
    parts = [_table("Asked", asked)] if asked else []
    parts += [
        _code("Body", _shown(document, media["schema"]), media.get("example"))
        for media in operation.get("requestBody", {}).get("content", {}).values()
    ]
    parts += [_table("Answered", answered)]
    summary = operation["summary"]
    return fill(_OPERATION, method=method, path=path, summary=summary, parts=join(parts))


def _table(name: str, rows: Iterable[tuple[str, str]]) -> Html:
    lines = join(fill(_ROW, first=first, second=second) for first, second in rows)
    return fill(_PART, name=name, content=fill(_TABLE, rows=lines))


def _code(name: str, schema: Any, example: Any) -> Html:
    shown = [schema] if example is None else [{"example": example}, schema]
    content = join(fill(_CODE, text=_text(each)) for each in shown)
    return fill(_PART, name=name, content=content)


def _text(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)


def _shown(document: Mapping[str, Any], schema: Any, levels: int = 3) -> Any:
    """Put what a schema refers to in the place of the reference; not without end."""
    if isinstance(schema, list):
        return [_shown(document, each, levels) for each in schema]
    if not isinstance(schema, dict):
        return schema
    target = schema.get("$ref")
    if isinstance(target, str) and levels > 0:
        named = document["components"]["schemas"][target.removeprefix(WHERE)]
        return _shown(document, named, levels - 1)
    return {name: _shown(document, each, levels) for name, each in schema.items()}
