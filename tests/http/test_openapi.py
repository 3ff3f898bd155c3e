"""The OpenAPI document: valid, complete, and true."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from openapi_schema_validator import OAS31Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from offload.http.openapi.operations import SAYS
from offload.http.routes import ROUTES
from offload.wire.problems import KINDS
from tests.http.conftest import Open
from tests.http.site import Site


@dataclass
class Stop:
    """A place on a route."""

    name: str
    minutes: int = 0


@dataclass
class Route:
    """A route."""

    first: Stop
    others: list[Stop] = field(default_factory=list)


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.get("/v1/openapi.json").json
    return found


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


@pytest.mark.slow
def test_the_document_is_valid(document: dict[str, Any]) -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(document).iter_errors()]

    assert errors == []


def test_every_route_is_described_and_only_what_there_is(document: dict[str, Any]) -> None:
    described = {name for name, _ in operations(document)}
    routes = {f"{route.method} {route.path}" for route in ROUTES}

    assert routes - described == set()
    assert SAYS.keys() - routes == set()
    undescribed = {name for name in routes - SAYS.keys() if name.startswith("GET /v1/")}
    assert undescribed == {"GET /v1/openapi.json"}


def test_every_operation_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(document)]

    assert len(names) == len(set(names))
    assert all(name.isidentifier() for name in names)


def test_every_task_has_a_typed_start(document: dict[str, Any], site: Site) -> None:
    for task in site.get("/v1/tasks").json["items"]:
        operation = document["paths"][task["links"]["start"]]["post"]
        named = document["components"]["schemas"]
        assert operation["operationId"] == f"start_{task['name']}"
        assert named[f"{task['name']}.params"]["properties"] == task["params"]["properties"]


@pytest.mark.slow
def test_a_task_with_types_of_its_own_brings_them_along(open_site: Open) -> None:
    site = open_site(work=False)

    @site.app.task
    async def plan(route: Route) -> None:
        """Plan a route."""

    document = site.get("/v1/openapi.json").json

    schemas = document["components"]["schemas"]
    target = schemas["plan.params"]["properties"]["route"]["$ref"]
    assert target.removeprefix("#/components/schemas/") in schemas
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    example = document["paths"]["/v1/tasks/plan/jobs"]["post"]["requestBody"]["content"]
    site.start("/v1/tasks/plan/jobs", example["application/json"]["example"])


def test_examples_fit_their_schemas_and_start_jobs(document: dict[str, Any], site: Site) -> None:
    tried = 0
    for name, operation in operations(document):
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        if "example" not in content:
            continue
        checked = {**content["schema"], "components": document["components"]}
        assert list(OAS31Validator(checked).iter_errors(content["example"])) == []
        if operation["operationId"].startswith("start_"):
            assert site.post(name.split()[1], content["example"]).status == 202
            tried += 1
    assert tried >= 2


def test_examples_of_problems_are_problems(document: dict[str, Any]) -> None:
    seen = set()
    for _, operation in operations(document):
        for status, response in operation["responses"].items():
            problem = response.get("content", {}).get("application/problem+json", {})
            checked = {**problem.get("schema", {}), "components": document["components"]}
            for kind, example in problem.get("examples", {}).items():
                assert list(OAS31Validator(checked).iter_errors(example["value"])) == []
                assert status == str(example["value"]["status"])
                seen.add(kind)

    unmentioned = KINDS.keys() - seen
    assert unmentioned <= {
        "not-found", "wrong-method", "forbidden", "not-completable", "group-evicted",
        "store-uncertain", "query-too-slow", "too-slow", "too-many-connections",
        "server-unreachable",
    }  # fmt: skip


ANSWERED = [
    ("GET", "/status?id={id}", "/status"),
    ("GET", "/result?id={id}", "/result"),
    ("GET", "/v1/jobs/{id}", "/v1/jobs/{id}"),
    ("GET", "/v1/jobs/{id}/events", "/v1/jobs/{id}/events"),
    ("GET", "/v1/jobs?limit=5", "/v1/jobs"),
    ("GET", "/v1/tasks", "/v1/tasks"),
    ("GET", "/v1/tasks/add", "/v1/tasks/{name}"),
    ("GET", "/v1/queues", "/v1/queues"),
    ("GET", "/v1/queues/default", "/v1/queues/{name}"),
    ("GET", "/v1/workers", "/v1/workers"),
    ("GET", "/v1/stats", "/v1/stats"),
    ("GET", "/v1/schedules", "/v1/schedules"),
    ("GET", "/v1/groups/{group}", "/v1/groups/{id}"),
    ("POST", "/v1/groups/{group}/cancel", "/v1/groups/{id}/cancel"),
    ("POST", "/v1/jobs/{id}/cancel", "/v1/jobs/{id}/cancel"),
    ("POST", "/v1/jobs/{id}/retry", "/v1/jobs/{id}/retry"),
    ("POST", "/start/add?a=1", "/start/{task}"),
]


@pytest.mark.parametrize(("method", "target", "path"), ANSWERED, ids=lambda value: value)
def test_what_is_answered_is_what_is_described(
    document: dict[str, Any], site: Site, method: str, target: str, path: str
) -> None:
    job_id = site.finished("/start/add?a=1")
    body = {"jobs": [{"task": "add", "params": {"a": 1}}], "group": True}
    group = site.post("/v1/jobs", body).json["group"]

    answer = site.ask(method, target.format(id=job_id, group=group))

    described = document["paths"][path][method.lower()]["responses"][str(answer.status)]
    content = described["content"][answer.headers["content-type"]]
    schema = {**content["schema"], "components": document["components"]}
    assert [error.message for error in OAS31Validator(schema).iter_errors(answer.json)] == []


def test_the_page_of_the_document_shows_every_operation_and_runs_nothing(
    document: dict[str, Any], site: Site
) -> None:
    answer = site.get("/docs")

    page = answer.body.decode()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert page.count("<details") == sum(len(each) for each in document["paths"].values())
    assert "<script" not in page
    assert "script-src" not in answer.headers["content-security-policy"]
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_text_of_a_task_is_only_text_on_the_page(open_site: Open) -> None:
    site = open_site(work=False)

    @site.app.task
    async def sly() -> None:
        """Do <script>alert(1)</script>."""

    assert b"Do &lt;script&gt;alert(1)&lt;/script&gt;." in site.get("/docs").body


def test_the_document_and_its_page_ask_for_nothing(site: Site) -> None:
    answers = [site.get("/v1/openapi.json?x=1"), site.get("/docs?x=1")]

    assert [answer.problem for answer in answers] == ["invalid-parameters"] * 2
