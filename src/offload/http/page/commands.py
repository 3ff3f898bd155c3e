"""The tasks, and lines for a terminal that start them and see what becomes of it, as HTML."""

import shlex
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from offload.http.door import Door
from offload.http.page.html import Html, fill, join
from offload.registry import RegisteredTask

MOST_EXAMPLES = 6

_LINE = '<div class="line"><span class="what">$what</span><pre>$command</pre></div>'
_TASK = '<div class="task"><code>$signature</code>$aliases<p class="soft">$summary</p></div>'
_ALIASES = ' <span class="soft">also $aliases</span>'
_NO_TASKS = '<p class="empty">No task is registered here.</p>'

_EXAMPLES = {"number": "0.5", "boolean": "true", "array": "[]", "object": "{}", "null": "null"}


def tasks(door: Door) -> Html:
    """Show what can be started."""
    registry = door.app.registry
    shown = [_task(registry.find(name)) for name in registry]
    return join(shown) if shown else Html(_NO_TASKS)


def _task(task: RegisteredTask) -> Html:
    aliases = fill(_ALIASES, aliases=", ".join(task.aliases)) if task.aliases else Html()
    signature = task.signature
    return fill(_TASK, signature=signature.text, aliases=aliases, summary=signature.summary)


def lines(door: Door, address: str) -> Html:
    """Show the session of somebody who tries it."""
    registry = door.app.registry
    starts = [_start(registry.find(name), address) for name in list(registry)[:MOST_EXAMPLES]]
    return join(
        [
            *starts,
            _line("see how it goes", f"curl {_quoted(f'{address}/status?id=1')}"),
            _line("collect the result", f"curl {_quoted(f'{address}/result?id=1')}"),
            _line("cancel", f"curl -X POST {_quoted(f'{address}/cancel?id=1')}"),
        ]
    )


def _start(task: RegisteredTask, address: str) -> Html:
    query = example_query(task.signature.schema())
    url = f"{address}/start/{task.name}{'?' if query else ''}{query}"
    return _line(f"start {task.name}", f"curl -X POST {_quoted(url)}")


def _line(what: str, command: str) -> Html:
    return fill(_LINE, what=what, command=command)


def _quoted(url: str) -> str:
    """Quote for a shell; in double quotes, which every system knows, where that is safe."""
    return shlex.quote(url) if set(url) & set('"$`\\!') else f'"{url}"'


def example_query(schema: Mapping[str, Any]) -> str:
    """Make up a value for each parameter that must be given: 2, 20, 200 for integers."""
    pairs = []
    integer = 2
    for name in schema.get("required", ()):
        value = _example(schema["properties"][name], integer)
        integer = integer * 10 if value == str(integer) else integer
        pairs.append(f"{quote(name)}={quote(value)}")
    return "&".join(pairs)


def _example(schema: Mapping[str, Any], integer: int) -> str:
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], integer)
    if schema.get("enum"):
        return str(schema["enum"][0])
    if schema.get("type") == "integer":
        return str(integer)
    return _EXAMPLES.get(str(schema.get("type")), "text")
