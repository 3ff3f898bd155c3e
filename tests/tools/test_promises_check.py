"""The check that no promise is called built without a test that proves it."""

import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "scripts" / "check_promises.py"

PROVES_S9 = """
import pytest

@pytest.mark.promise("S9")
def test_a_cancelled_job_never_starts():
    assert True
"""


def check(
    folder: Path, *, built: str | None, **tests: str | bytes
) -> subprocess.CompletedProcess[str]:
    """Lay out a folder of tests, run the script on it, and return what it said."""
    if built is not None:
        (folder / "promises.txt").write_text(built, encoding="utf-8")
    for name, source in tests.items():
        text = source if isinstance(source, bytes) else source.encode()
        (folder / f"test_{name}.py").write_bytes(text)
    return subprocess.run(
        [sys.executable, SCRIPT, folder], capture_output=True, text=True, timeout=30, check=False
    )


def test_a_built_promise_with_a_marked_test_passes(tmp_path: Path) -> None:
    answer = check(tmp_path, built="S9\n", cancel=PROVES_S9)

    assert answer.returncode == 0
    assert answer.stdout == "promises: 1 built, each with a test; 1 of 46 proved\n"
    assert answer.stderr == ""


def test_a_built_promise_without_a_test_is_named(tmp_path: Path) -> None:
    answer = check(tmp_path, built="S9\nP4\n", cancel=PROVES_S9)

    assert answer.returncode == 1
    assert f"{tmp_path / 'promises.txt'}:2: P4 is built, but no test is marked" in answer.stderr
    assert "S9" not in answer.stderr


def test_comments_and_blank_lines_of_the_list_are_no_ids(tmp_path: Path) -> None:
    answer = check(tmp_path, built="# built so far\n\nS9  # cancel\n", cancel=PROVES_S9)

    assert answer.returncode == 0


def test_an_empty_list_passes(tmp_path: Path) -> None:
    answer = check(tmp_path, built="# nothing yet\n")

    assert answer.returncode == 0
    assert "0 built" in answer.stdout


@pytest.mark.parametrize("id", ["S26", "P0", "L8", "D5", "s9", "S09", "durable"])
def test_an_unpublished_id_in_the_list_is_refused(tmp_path: Path, id: str) -> None:
    answer = check(tmp_path, built=f"{id}\n")

    assert answer.returncode == 1
    assert f"promises.txt:1: {id} is no published id (P1..P10, S1..S25" in answer.stderr


def test_an_unpublished_id_on_a_test_is_refused(tmp_path: Path) -> None:
    answer = check(tmp_path, built="", cancel=PROVES_S9.replace("S9", "S99"))

    assert answer.returncode == 1
    assert "test_cancel.py:4: S99 is no published id" in answer.stderr


def test_an_id_that_is_listed_twice_is_named(tmp_path: Path) -> None:
    answer = check(tmp_path, built="S9\nS9\n", cancel=PROVES_S9)

    assert answer.returncode == 1
    assert "promises.txt:2: S9 is listed twice" in answer.stderr


@pytest.mark.parametrize(
    "source",
    [
        'pytestmark = pytest.mark.promise("S9")',
        'pytestmark = [pytest.mark.slow, pytest.mark.promise("S9")]',
        '@pytest.mark.promise("S9")\nclass TestCancel:\n    def test_it(self): ...',
        '@pytest.mark.promise("P4", "S9")\nasync def test_it(): ...',
        'class TestCancel:\n    @mark.promise("S9")\n    def test_it(self): ...',
        'CASES = [pytest.param(1, marks=pytest.mark.promise("S9"))]',
    ],
)
def test_a_mark_is_found_wherever_pytest_accepts_one(tmp_path: Path, source: str) -> None:
    answer = check(tmp_path, built="S9\n", cancel=source)

    assert (answer.returncode, answer.stderr) == (0, "")


@pytest.mark.parametrize(
    "source",
    [
        '# @pytest.mark.promise("S9")\ndef test_it(): ...',
        "SOURCE = '''\n@pytest.mark.promise(\"S9\")\ndef test_it(): ...\n'''",
        '@pytest.mark.promised("S9")\ndef test_it(): ...',
    ],
)
def test_what_only_looks_like_a_mark_proves_nothing(tmp_path: Path, source: str) -> None:
    answer = check(tmp_path, built="S9\n", cancel=source)

    assert answer.returncode == 1
    assert "S9 is built" in answer.stderr


@pytest.mark.parametrize("arguments", ["", "ID", "9", 'f"S{n}"', 'id="S9"', '"S9", other'])
def test_a_mark_that_cannot_be_read_is_refused(tmp_path: Path, arguments: str) -> None:
    answer = check(tmp_path, built="", cancel=f"pytestmark = pytest.mark.promise({arguments})")

    assert answer.returncode == 2
    assert "test_cancel.py:1: a promise mark takes ids as plain texts" in answer.stderr


def test_tests_in_folders_are_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "store" / "contract"
    folder.mkdir(parents=True)
    (folder / "test_cancel.py").write_text(PROVES_S9)

    answer = check(tmp_path, built="S9\n")

    assert answer.returncode == 0


def test_a_missing_list_is_one_sentence_and_no_traceback(tmp_path: Path) -> None:
    answer = check(tmp_path, built=None)

    assert answer.returncode == 2
    assert answer.stderr.startswith("promises: cannot read the list of what is built: ")
    assert "Traceback" not in answer.stderr


@pytest.mark.parametrize("source", ["def test_it(:\n", b"\xff\xfe", b"a = 1\0"])
def test_a_test_that_is_no_python_is_named(tmp_path: Path, source: str | bytes) -> None:
    answer = check(tmp_path, built="", broken=source)

    assert answer.returncode == 2
    assert "test_broken.py is no Python" in answer.stderr
    assert "Traceback" not in answer.stderr
