"""What a type checker sees where the jobs are at a server. Nobody runs this; mypy reads it."""

from typing import Any, assert_type

from offload import Group, Job, Offload, as_completed
from offload.client import Client
from offload.lifecycle import Shown

app = Offload(server="http://127.0.0.1:8080", token="a-secret")


@app.task
def render(frames: int, name: str = "x") -> str:
    return name * frames


@app.task
async def fetch(url: str) -> list[bytes]:
    return [url.encode()]


def from_blocking_code() -> None:
    assert_type(app, Offload)
    job = render.start(240, name="y")
    assert_type(job, Job[str])
    assert_type(job.result(timeout=3), str)
    assert_type(job.pause("lunch"), bool)
    group = render.map([1, 2])
    assert_type(group, Group[str])
    assert_type(group.jobs(), list[Job[str]])
    assert_type(app.states([job, 7])[job], Shown)
    for ended in as_completed(group):
        ended.result()


async def from_a_loop() -> None:
    job = await fetch.using(priority=3).astart("https://example.org")
    assert_type(await job, list[bytes])
    assert_type(await job.astate(), Shown)


def below_it() -> None:
    client = Client("http://127.0.0.1:8080")
    assert_type(client.status(7), dict[str, Any])
    for told in client.follow(7):
        print(told["kind"])


def what_does_not_fit() -> None:
    render.start("x")  # type: ignore[arg-type]
    Offload(server=8080)  # type: ignore[arg-type]
    Offload(sever="http://127.0.0.1:8080")  # type: ignore[call-arg]
