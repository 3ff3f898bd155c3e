"""The queries themselves: shared lines, what the oldest SQLite understands, and their indexes."""

import re
import sqlite3
from collections.abc import Iterator
from importlib import resources
from pathlib import Path

import pytest

from offload.model import JobOptions
from offload.store.queries import load_queries, parse
from tests.store.asking import Asker
from tests.store.conftest import StoreFactory

NEWER = {
    "3.37": r"\bstrict\b",
    "3.38": r"->|\b(unixepoch|format)\s*\(",
    "3.39": r"\b(right|full)\s+(outer\s+)?join\b|\bdistinct\s+from\b",
    "3.40": r"\bunhex\s*\(",
    "3.43": r"\b(octet_length|timediff)\s*\(",
    "3.44": r"\b(concat|concat_ws|string_agg)\s*\(",
    "3.45": r"\bjsonb(_\w+)?\s*\(",
    "3.46": r"\bjson_pretty\s*\(|\b\d+_\d+\b",
    "3.48": r"\bif\s*\(",
}
"""What came with which SQLite, as far as anybody might write it here; we promise 3.35."""


def scripts() -> Iterator[tuple[str, str]]:
    """Every file of SQL of ours, without its comments and texts."""
    for room in ("offload.store.queries", "offload.store.migrations"):
        for file in resources.files("offload.store").joinpath(room.rpartition(".")[2]).iterdir():
            if file.name.endswith(".sql"):
                yield file.name, re.sub(r"--.*|'[^']*'", " ", file.read_text("utf-8"))


def test_nothing_is_newer_than_the_oldest_sqlite() -> None:
    newer = [
        (name, version, found[0])
        for name, text in scripts()
        for version, pattern in NEWER.items()
        if (found := re.search(pattern, text, re.IGNORECASE))
    ]

    assert newer == []


@pytest.mark.parametrize(
    "text",
    ["a ->> 0", "a->'$.x'", "full join b", "select unixepoch ()", "a is distinct from b"],
)
def test_what_is_newer_would_be_seen(text: str) -> None:
    assert any(re.search(pattern, text, re.IGNORECASE) for pattern in NEWER.values())


# --- lines that several share


def test_a_fragment_stands_in_its_places_and_is_no_query() -> None:
    text = """-- A file.

-- fragment: narrowed
  and b = :b
  and c = :c;

-- name: one
select a
from t
where a = 1
  {narrowed}
order by a;

-- name: other
select '{narrowed}' from t;
"""

    queries = parse(text)

    assert queries == {
        "one": "select a\nfrom t\nwhere a = 1\n  and b = :b\n  and c = :c\norder by a",
        "other": "select '{narrowed}' from t",
    }


def test_a_fragment_that_there_is_not_is_no_sql() -> None:
    query = parse("-- name: one\nselect 1\n  {narowed}\n")["one"]

    with pytest.raises(sqlite3.OperationalError, match="unrecognized token"):
        sqlite3.connect(":memory:").execute(query)


def test_every_page_is_narrowed_alike() -> None:
    pages = {name: text for name, text in load_queries().items() if name.startswith("page")}

    assert len(pages) == 5
    assert all(text.count("queue = :queue") == 1 for text in pages.values())


# --- what a query looks at


@pytest.fixture
def plans(open_store: StoreFactory, database: Path) -> Iterator[sqlite3.Connection]:
    """A connection to a database with something in it, to ask how a query would be answered."""
    ask = Asker(open_store())
    ask.run_to_success(3, options=JobOptions(retain=60.0))
    ask.run_to_success(3)
    ask.start(3)
    ask.store.close()
    connection = sqlite3.connect(database)
    yield connection
    connection.close()


@pytest.mark.parametrize(
    ("query", "index"),
    [
        ("past_their_time", "job_kept (kept_until<?)"),
        ("oldest_finished", "job_finished (queue=?"),
        ("oldest_waiting", "job_waiting (queue=?"),
        ("page_of_worker", "job_owned (worker=? AND rowid>? AND rowid<?)"),
    ],
)
def test_a_look_goes_over_its_index_and_sorts_nothing(
    plans: sqlite3.Connection, query: str, index: str
) -> None:
    text = load_queries()[query]
    names = dict.fromkeys(re.findall(r":(\w+)", text))

    steps = [row[3] for row in plans.execute(f"explain query plan {text}", names)]

    assert steps[0].startswith("SEARCH")
    assert index in steps[0]
    assert not [step for step in steps if "TEMP B-TREE" in step]
