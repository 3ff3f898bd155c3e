"""Unique keys: of a task and a key there is one unfinished job."""

import pytest

from offload import InvalidParameters, InvalidTask, KeyTaken, Offload


@pytest.mark.promise("S21")
def test_the_same_key_is_the_same_job_while_it_has_not_ended(app: Offload) -> None:
    @app.task
    async def render(movie: int) -> int:
        return movie

    keyed = render.using(key="movie-7")
    first = keyed.using(delay=3600).start(7)
    second = keyed.start(7)
    first.cancel()
    third = keyed.start(7)

    assert first == second != third
    assert third.result(20) == 7


@pytest.mark.promise("S21")
def test_a_key_may_be_made_of_the_parameters(app: Offload) -> None:
    @app.task(key="movie-{movie}-{part}")
    async def render(movie: str, part: int = 1, quality: str = "high") -> None: ...

    later = render.using(delay=3600)

    assert later.start("Metropolis", 2) == later.start("Metropolis", 2, quality="low")
    assert later.start("Metropolis", 2) != later.start("Metropolis", 3)
    assert later.start("Metropolis").read().key == "movie-Metropolis-"


def test_a_known_key_may_be_refused(app: Offload) -> None:
    @app.task(key="only", on_conflict="refuse")
    async def render() -> None: ...

    job = render.using(delay=3600).start()

    with pytest.raises(KeyTaken, match=f"the key 'only' belongs to job {job.id}"):
        render.start()
    assert render.using(on_conflict="existing").start() == job


@pytest.mark.parametrize("key", ["movie-{film}", "movie-{", "movie-{0}", "{movie!r}", "{movie:>5}"])
def test_a_key_that_is_made_of_anything_else_is_refused(app: Offload, key: str) -> None:
    async def render(movie: int) -> None: ...

    with pytest.raises(InvalidTask, match="render"):
        app.task(key=key)(render)


def test_a_key_that_gets_too_long_names_its_parameters(app: Offload) -> None:
    @app.task(key="{movie}")
    async def render(movie: str) -> None: ...

    with pytest.raises(InvalidParameters, match="movie: the key that they make has 501 characters"):
        render.start("x" * 501)
