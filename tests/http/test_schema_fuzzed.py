"""Requests made from the OpenAPI document, right and wrong: all answers are as it promises."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.http.site import Site

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "unsupported_method",
)
"""What an answer must be like. What a client may send is not said in full by any schema: a queue
must be there, a key must be new."""


FEW = ("--max-examples", "1", "--seed", "1")


@pytest.fixture
def busy(tmp_path: Path) -> Iterator[Site]:
    """A server with jobs in several states; none waits for long."""
    site = Site(tmp_path / "jobs.db")
    site.gate.open()
    site.open()
    for target in ("/start/add?a=1", "/start/boom", "/start/hold", "/start/strange"):
        site.finished(target)
    site.post("/v1/jobs", {"jobs": [{"task": "add", "params": {"a": 1}}], "group": True})
    yield site
    site.close()


def fuzz(site: Site, folder: Path, *options: str) -> int:
    """Let every phase run; returns how many requests were made."""
    command = [sys.executable, "-m", "schemathesis.cli", "run", f"{site.address}/v1/openapi.json"]
    checks = ["--checks", ",".join(CHECKS), "--suppress-health-check", "all"]
    quiet = ["--no-color", "--warnings", "off", "--request-timeout", "60"]
    done = subprocess.run(
        [*command, *checks, *quiet, *options],
        cwd=folder,  # it keeps what it has found beside itself
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]
    counted = re.search(r"(\d+) generated", done.stdout)
    assert counted is not None, done.stdout[-2000:]
    return int(counted[1])


@pytest.mark.slow
def test_a_few_requests_of_every_kind_are_answered_as_the_document_says(
    busy: Site, tmp_path: Path
) -> None:
    alike = "/v1/tasks/(boom|echo|hold|strange|stubborn)/jobs"

    made = fuzz(busy, tmp_path, *FEW, "--exclude-path-regex", alike)

    assert made > 500
    assert busy.get("/v1/jobs").status == 200


@pytest.mark.long
def test_twenty_thousand_requests_are_answered_as_the_document_says(
    busy: Site, tmp_path: Path
) -> None:
    made = fuzz(busy, tmp_path, "--max-examples", "400")

    assert made >= 20_000
    assert busy.get("/v1/jobs").status == 200
