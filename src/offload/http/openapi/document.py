"""The OpenAPI 3.1 document: every route once, and beside them one typed start for each task."""

import re
from collections.abc import Iterable, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any

import offload
from offload.errors import Fault
from offload.http.login import FORM
from offload.http.openapi.operations import SAYS, START, Says
from offload.http.openapi.schemas import Schema, Schemas, ref
from offload.http.routing import Access, Route
from offload.registry import RegisteredTask, Registry
from offload.values import decode
from offload.wire.answers import JSON
from offload.wire.problems import KINDS, MEDIA_TYPE, Problem
from offload.wire.problems import document as problem_document

_NAMES = re.compile(r"\{(\w+)\}")

ALWAYS = (
    "malformed-request",
    "unauthorized",
    "insufficient-scope",
    "request-line-too-long",
    "wrong-host",
    "header-too-large",
    "internal-error",
    "store-unavailable",
)
"""What every request may be answered with."""

_HEADERS: dict[str, Schema] = {
    "Idempotency-Key": {
        "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "The same request with the same key gives the first answer again.",
    },
    "Prefer": {
        "schema": {"type": "string"},
        "description": "wait=10 waits for the end; handling=lenient spares a wish that is late.",
    },
    "If-None-Match": {
        "schema": {"type": "string"},
        "description": "An ETag: 304 if nothing has changed since.",
    },
    "Last-Event-ID": {
        "schema": {"type": "string"},
        "description": "The last that a stream had brought: it goes on behind that.",
    },
}

_SCHEMES: dict[str, dict[str, str]] = {
    "token": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token with the scope that the operation names; `admin` has them all.",
    },
    "session": {
        "type": "apiKey",
        "in": "cookie",
        "name": "offload_session",
        "description": "Of a browser that has logged in at /login; the name goes on with the port.",
    },
    "jobToken": {
        "type": "apiKey",
        "in": "query",
        "name": "access_token",
        "description": "A token for this one job, for what can send no headers.",
    },
}

_OF_A_JOB = "/v1/jobs/{id}"

_NEEDED = frozenset({"Starts", "Bulk"})
"""Bodies without which nothing is said."""

_IDS = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}


def document(routes: Sequence[Route], registry: Registry) -> dict[str, Any]:
    """Return the document for these routes and tasks."""
    schemas = Schemas()
    paths: dict[str, dict[str, Any]] = {}
    for name in registry:
        path, operation = _start(registry.find(name), schemas)
        paths[path] = {"post": operation}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "offload",
            "version": offload.__version__,
            "description": "Start jobs, watch them, collect their results, stop them.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": schemas.named,
            "securitySchemes": _SCHEMES,
        },
        "security": [{}, {"token": []}, {"session": []}],
    }


def _start(registered: RegisteredTask, schemas: Schemas) -> tuple[str, dict[str, Any]]:
    """Describe the start of one task: its path, and the operation."""
    signature = registered.signature
    body = schemas.of_task(registered)
    operation = {
        "operationId": f"start_{_identifier(registered.name)}",
        "summary": signature.summary or f"start a job of {registered.name}",
        "description": f"`{signature.text}`",
        "tags": ["starts"],
        "parameters": [_header(name) for name in START.headers],
        "requestBody": _body(body, schemas, required=bool(schemas.example(body))),
        "responses": _responses(START, schemas, is_safe=False),
        "security": _security(Access.SUBMIT, "POST", ""),
        "x-scope": Access.SUBMIT.value,
    }
    return f"/v1/tasks/{registered.name}/jobs", operation


def _operation(route: Route, schemas: Schemas) -> dict[str, Any]:
    says = SAYS.get(f"{route.method} {route.path}")
    known = says or Says(_identifier(f"{route.method} {route.path}").lower(), {200: Any})
    names = _NAMES.findall(route.path)
    is_safe = route.method == "GET"
    operation = {
        "operationId": known.id,
        "summary": route.summary,
        "tags": [_tag(route.path)],
        "parameters": [*map(_in_path, names), *_in_query(known), *map(_header, known.headers)],
        "responses": _responses(known, schemas, is_safe=is_safe, is_described=says is not None),
        "security": _security(route.access, route.method, route.path),
        "x-scope": route.access.value,
    }
    if known.form:
        operation["requestBody"] = _form(known.form)
    if known.body is not None:
        operation["requestBody"] = _body(ref(known.body), schemas, required=known.body in _NEEDED)
    return operation


def _security(access: Access, method: str, path: str) -> list[dict[str, list[str]]]:
    """Say what has to be shown: nothing where there is no token, else one with the scope."""
    if access is Access.EVERYBODY:
        return []
    ways: list[dict[str, list[str]]] = [{}, {"token": [access.value]}, {"session": [access.value]}]
    is_look = method == "GET" and (path == _OF_A_JOB or path.startswith(f"{_OF_A_JOB}/"))
    return [*ways, {"jobToken": []}] if is_look else ways


def _form(fields: tuple[str, ...]) -> dict[str, Any]:
    properties = {name: {"type": "string"} for name in fields}
    schema = {"type": "object", "properties": properties}
    return {"required": True, "content": {FORM: {"schema": schema}}}


def _body(schema: Schema, schemas: Schemas, *, required: bool) -> dict[str, Any]:
    media: dict[str, Any] = {"schema": schema}
    if example := schemas.example(schema):
        media["example"] = example
    return {"required": required, "content": {JSON: media}}


def _in_path(name: str) -> dict[str, Any]:
    schema = _IDS if name == "id" else {"type": "string", "minLength": 1}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _in_query(says: Says) -> list[dict[str, Any]]:
    if says.query is None:
        return []
    return [
        {
            "name": name,
            "in": "query",
            "required": name == "id",
            "description": schema.pop("description", name),
            "schema": _IDS if name == "id" else _as_text(schema),
        }
        for name, schema in says.query.schema()["properties"].items()
    ]


def _as_text(schema: Schema) -> Schema:
    """Return what may be asked: null cannot be, and a default that says nothing says nothing."""
    found: Schema = next(iter(schema.get("anyOf", ())), schema)
    return {name: each for name, each in found.items() if name != "default" or each}


def _header(name: str) -> dict[str, Any]:
    return {"name": name, "in": "header", "required": False, **_HEADERS[name]}


# --- answers


def _responses(
    says: Says, schemas: Schemas, *, is_safe: bool, is_described: bool = True
) -> dict[str, Any]:
    responses = {
        str(status): _answer(status, kind, schemas, is_json=is_described)
        for status, kind in says.answers.items()
    }
    for media_type in says.streams:
        responses["200"]["content"][media_type] = {"schema": {"type": "string"}}
    kinds = [*ALWAYS, *says.problems, *(() if is_safe else ("cross-site",))]
    for status in sorted({_status(kind, says) for kind in kinds}):
        alike = sorted({kind for kind in kinds if _status(kind, says) == status})
        refusal = _problem(alike, status)
        known = responses.setdefault(str(status), refusal)
        known["content"] = known.get("content", {}) | refusal["content"]
    responses["default"] = _problem((), None)
    return responses


def _status(kind: str, says: Says) -> int:
    """What is no id is 404 in a path, where there is nothing; 422 in a query."""
    return 404 if kind == "invalid-id" and says.query is None else KINDS[kind].status


def _answer(status: int, kind: Any, schemas: Schemas, *, is_json: bool) -> dict[str, Any]:
    said = {"description": HTTPStatus(status).phrase}
    if kind is None or not is_json:
        return said
    several = [schemas.of_type(each) for each in (kind if isinstance(kind, tuple) else (kind,))]
    schema = {"anyOf": several} if len(several) > 1 else several[0]
    return {**said, "content": {JSON: {"schema": schema}}}


def _problem(kinds: Iterable[str], status: int | None) -> dict[str, Any]:
    """Describe a refusal, with an example for each kind of problem that it can be."""
    media: dict[str, Any] = {"schema": ref("ProblemShape")}
    examples = {kind: {"value": _example(kind, status)} for kind in kinds}
    if examples:
        media["examples"] = examples
    titles = "; ".join(KINDS[kind].title for kind in examples)
    return {"description": titles or "Any other refusal", "content": {MEDIA_TYPE: media}}


@cache
def _example(kind: str, status: int | None) -> Any:
    faults = [Fault("a", "expected an integer, got 'x'")] if kind == "invalid-parameters" else []
    problem = Problem(kind, KINDS[kind].title, faults=faults, status=status)
    return decode(problem_document(problem, "/v1/jobs")[0])


def _tag(path: str) -> str:
    parts = path.strip("/").split("/")
    return parts[1] if parts[0] == "v1" and len(parts) > 1 else "brief"


def _identifier(text: str) -> str:
    return re.sub(r"\W+", "_", text).strip("_")
