"""What code writes becomes the lines of its job's log, and is shown as if nobody listened."""

import asyncio
import contextlib
import contextvars
import io
import logging
import sys
import threading
from collections.abc import Awaitable, Callable, Iterable, Iterator

import pytest

from offload.model import LogLine
from offload.store import logs
from offload.store.logs import Skipping
from offload.testing import VirtualLoop
from offload.worker import context as contexts
from offload.worker.capture import backlog, capturing, installed, recording
from offload.worker.capture.backlog import Backlog, Raw
from offload.worker.capture.partial import Cut, Partial
from offload.worker.capture.recorder import Recorder
from offload.worker.capture.streams import Routed
from offload.worker.capture.text import MOST_LINE_BYTES, cleaned
from offload.worker.context import Context

log = logging.getLogger("tests.captured")


@pytest.fixture(autouse=True)
def nothing_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Workers that other tests of this process have killed took nothing back."""
    fresh = installed._Installed()
    if logging.Logger.callHandlers is installed._installed._ours:
        monkeypatch.setattr(logging.Logger, "callHandlers", installed._installed._before)
    monkeypatch.setattr(installed, "_installed", fresh)
    monkeypatch.setattr(logging.getLogger("offload.job"), "level", logging.NOTSET)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if isinstance(stream, Routed):
            monkeypatch.setattr(sys, name, stream.routed_stream)


# --- lines


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"one\ntwo\n"], [b"one", b"two"]),
        ([b"o", b"ne", b"\n"], [b"one"]),
        ([b"\n", b"a\n\nb\n"], [b"", b"a", b"", b"b"]),
        ([b"dos\r\nlines\r\n"], [b"dos", b"lines"]),
        ([b"10%\r20%\r", b"30%\r", b"done\n"], [b"done"]),
        ([b"\r10%", b"\r20%", b"\r30%\n"], [b"30%"]),
    ],
)
def test_a_stream_is_cut_into_lines(pieces: list[bytes], lines: list[bytes]) -> None:
    partial = Partial()

    found = [line.text for piece in pieces for line in partial.feed(piece, 0.0)]

    assert found == lines
    assert partial.take() is None


def test_a_line_that_is_taken_unfinished_ends_without_an_empty_one() -> None:
    partial = Partial()
    partial.feed(b"name? ", 5.0)

    assert partial.since == 5.0
    assert partial.take() == Cut(b"name? ")
    assert partial.feed(b"\nnext\n", 6.0) == [Cut(b"next")]


def test_of_a_line_without_end_only_the_beginning_is_held() -> None:
    partial = Partial()

    for _ in range(100):
        partial.feed(b"x" * 10_000, 0.0)
    [line] = partial.feed(b"\n", 0.0)

    assert (len(line.text), line.missing) == (MOST_LINE_BYTES, 1_000_000 - MOST_LINE_BYTES)
    shown = cleaned(line.text, line.missing)
    assert shown.endswith(f"x… ({1_000_000 - MOST_LINE_BYTES} more bytes)")


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (b"\x1b[1;31mred\x1b[0m", "red"),
        (b"\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\ \x1b]0;title\x07end", "link end"),
        (b"nul\0 bad\xff", "nul\\x00 bad\\xff"),
        ("schön 🐍".encode(), "schön 🐍"),
        (b"tab\there", "tab\there"),
    ],
)
def test_a_line_is_kept_as_it_is_read(written: bytes, kept: str) -> None:
    assert cleaned(written) == kept


def test_a_line_is_cut_between_two_characters() -> None:
    assert cleaned("schön".encode()[:4], missing=2) == "sch… (2 more bytes)"


# --- the backlog


def test_a_flood_keeps_its_first_lines_and_its_newest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "HALF_LINES", 3)
    monkeypatch.setattr(backlog, "AT_ONCE", 2)
    held = Backlog()
    for number in range(1, 101):
        held.add(Raw(0.0, "", "stdout", b"%d" % number))

    head, dropped, newest = held.take()
    rest = held.take(all_of_it=True)

    assert [line.text for line in head] == [b"1", b"2", b"3"]
    assert (dropped, [line.text for line in newest]) == (94, [b"98", b"99"])
    assert [line.text for line in rest[2]] == [b"100"]
    assert not held


def test_a_flood_of_long_lines_is_bounded_by_its_bytes() -> None:
    held = Backlog()
    for _ in range(1000):
        held.add(Raw(0.0, "", "stdout", b"x" * MOST_LINE_BYTES))

    head, dropped, newest = held.take(all_of_it=True)

    assert len(head) == len(newest) == logs.HALF_BYTES // MOST_LINE_BYTES
    assert len(head) + dropped + len(newest) == 1000


# --- the code of a job


class Job:
    """A job's context, and what was said for it."""

    def __init__(self, job_id: int = 1) -> None:
        self.context = Context(job_id, 1)
        self.lines: list[LogLine] = []

    def say(self, lines: Iterable[LogLine]) -> None:
        self.lines += lines

    @property
    def texts(self) -> list[str]:
        return [line.text for line in self.lines]

    def surroundings(self) -> contextvars.Context:
        made = contextvars.Context()
        made.run(contexts.enter, self.context)
        return made

    def call(self, code: Callable[[], object]) -> None:
        """Run code as a thread's job would."""

        async def main() -> None:
            with recording(self.context, self.say):
                await asyncio.to_thread(self.surroundings().run, code)

        asyncio.run(main())

    async def perform(self, code: Callable[[], Awaitable[object]]) -> None:
        """Run code as an async job would, on the running loop."""

        async def body() -> None:
            await code()

        with recording(self.context, self.say):
            await asyncio.get_running_loop().create_task(body(), context=self.surroundings())


@pytest.fixture
def captured() -> Iterator[None]:
    """A worker works."""
    with capturing():
        yield


@contextlib.contextmanager
def plain_logging() -> Iterator[None]:
    """Logging as a program has it that never configured it: pytest's handlers are gone."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers.clear()
    root.setLevel(logging.WARNING)
    try:
        yield
    finally:
        root.handlers[:] = before
        root.setLevel(level)


def test_what_a_job_prints_is_in_its_log_and_on_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job = Job()

    def code() -> None:
        print("to", "stdout")
        print("to stderr", file=sys.stderr)
        print("unfinished", end="")

    with capturing():  # inside the test: pytest has put its own stream in place before
        job.call(code)

    assert [(line.source, line.text, line.level) for line in job.lines] == [
        ("stdout", "to stdout", ""),
        ("stderr", "to stderr", ""),
        ("stdout", "unfinished", ""),
    ]
    assert capsys.readouterr() == ("to stdout\nunfinished", "to stderr\n")


@pytest.mark.usefixtures("captured")
def test_jobs_that_take_turns_have_a_log_each() -> None:
    first, second = Job(1), Job(2)

    async def count(name: str) -> None:
        for number in range(3):
            print(name, number)
            await asyncio.sleep(0)

    async def main() -> None:
        print("of nobody")
        await asyncio.gather(
            first.perform(lambda: count("first")), second.perform(lambda: count("second"))
        )

    asyncio.run(main())

    assert first.texts == ["first 0", "first 1", "first 2"]
    assert second.texts == ["second 0", "second 1", "second 2"]


@pytest.mark.usefixtures("captured")
def test_child_tasks_and_threads_with_the_context_belong_to_the_job() -> None:
    job = Job()

    async def code() -> None:
        await asyncio.gather(asyncio.to_thread(print, "in a thread"))
        alone = threading.Thread(target=print, args=("of nobody",))
        alone.start()
        alone.join()

    asyncio.run(job.perform(code))

    assert job.texts == ["in a thread"]


@pytest.mark.usefixtures("captured")
def test_a_line_without_end_is_there_soon_and_a_progress_bar_once() -> None:
    prompted = threading.Event()

    class Waiting(Job):
        def say(self, lines: Iterable[LogLine]) -> None:
            super().say(lines)
            prompted.set()

    job = Waiting()

    def code() -> None:
        print("\r 10 %", end="", file=sys.stderr)
        print("waiting ", end="")
        prompted.wait(10)
        print("\r 20 %", file=sys.stderr)
        print("done")

    job.call(code)

    assert job.texts == ["waiting ", " 20 %", "done"]


def test_a_line_whose_writer_is_held_up_in_its_midst_is_one_line() -> None:
    lines: list[LogLine] = []

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        recorder = Recorder(lines.extend, loop, now=loop.time)
        recorder.write("stdout", "half of a ")
        await asyncio.sleep(0.7)
        recorder.write("stdout", "line\nand a prompt: ")
        await asyncio.sleep(1.5)

    loop = VirtualLoop()
    loop.run_until_complete(loop.process("the worker").spawn(scenario()))
    loop.end()

    assert [line.text for line in lines] == ["half of a line", "and a prompt: "]


@pytest.mark.usefixtures("captured")
def test_a_record_is_taken_with_its_level_its_logger_and_its_traceback() -> None:
    job = Job()

    def code() -> None:
        log.warning("%d left", 3)
        try:
            raise ValueError("no such file")
        except ValueError:
            log.exception("it broke")

    job.call(code)

    first, second = job.lines
    assert (first.level, first.source, first.text) == ("WARNING", "tests.captured", "3 left")
    assert second.level == "ERROR"
    assert second.text.startswith("it broke\nTraceback (most recent call last):")
    assert second.text.endswith("ValueError: no such file")


@pytest.mark.usefixtures("captured")
def test_the_levels_of_the_program_decide(capsys: pytest.CaptureFixture[str]) -> None:
    job, quiet = Job(), logging.getLogger("tests.captured.quiet")
    quiet.setLevel(logging.INFO)
    quiet.propagate = False

    def code() -> None:
        log.info("the root's level is WARNING")
        quiet.info("a level of its own")

    with plain_logging():
        job.call(code)

    assert job.texts == ["a level of its own"]
    assert capsys.readouterr().err == ""


def test_what_is_said_for_the_log_stands_there_whatever_the_level_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    job, said = Job(), logging.getLogger("offload.job")

    def code() -> None:
        said.info("for the log")
        said.debug("too quiet")
        said.error("for everybody")

    with plain_logging(), capturing():
        logging.basicConfig(format="%(message)s")
        job.call(code)
        said.info("of nobody")

    assert job.texts == ["for the log", "for everybody"]
    assert capsys.readouterr().err == "for everybody\n"
    assert said.level == logging.NOTSET


def test_what_a_handler_prints_is_not_taken_twice(capsys: pytest.CaptureFixture[str]) -> None:
    job = Job()

    with plain_logging(), capturing():
        logging.basicConfig(format="%(levelname)s: %(message)s")  # not held up by a handler of ours
        job.call(lambda: log.warning("careful"))

    assert job.texts == ["careful"]
    assert capsys.readouterr().err == "WARNING: careful\n"


def test_warnings_of_the_program_itself_still_appear(capsys: pytest.CaptureFixture[str]) -> None:
    with plain_logging(), capturing():
        log.warning("outside of every job")

    assert capsys.readouterr().err == "outside of every job\n"


@pytest.mark.usefixtures("captured")
def test_a_record_that_cannot_be_formatted_is_taken_all_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    job = Job()

    job.call(lambda: log.warning("%d left", "three"))

    assert job.texts[0].startswith("'%d left' ('three',) (cannot be formatted: TypeError")


@pytest.mark.usefixtures("captured")
def test_what_the_code_redirects_is_its_own() -> None:
    job = Job()
    text = io.StringIO()

    def code() -> None:
        with contextlib.redirect_stdout(text):
            print("into the buffer")
        print("into the log")

    job.call(code)

    assert text.getvalue() == "into the buffer\n"
    assert job.texts == ["into the log"]


@pytest.mark.slow
def test_a_hundred_thousand_lines_are_bounded_and_counted() -> None:
    job = Job()

    def code() -> None:
        for number in range(100_000):
            print(number)

    with contextlib.redirect_stdout(io.StringIO()), capturing():
        job.call(code)

    kept = len(job.lines)
    skipped = sum(line.skipped for line in job.lines if isinstance(line, Skipping))
    assert kept + skipped == 100_000
    assert kept < 50_000
    assert job.texts[: logs.HALF_LINES] == [str(number) for number in range(logs.HALF_LINES)]
    assert job.texts[-logs.HALF_LINES // 2 :] == [
        str(number) for number in range(100_000 - logs.HALF_LINES // 2, 100_000)
    ]


# --- what is in place, and when


def test_everything_is_as_before_when_the_last_worker_ends() -> None:
    before = sys.stdout, sys.stderr, logging.Logger.callHandlers

    with capturing():
        with capturing():
            assert sys.stdout is not before[0]
        assert sys.stdout is not before[0]

    assert (sys.stdout, sys.stderr, logging.Logger.callHandlers) == before


def test_what_somebody_else_has_put_in_place_is_left_there() -> None:
    before, text = sys.stdout, io.StringIO()

    with contextlib.ExitStack() as stack:
        with capturing():
            stack.enter_context(contextlib.redirect_stdout(text))
        print("while it is redirected")
    shown = sys.stdout
    sys.stdout = before

    assert text.getvalue() == "while it is redirected\n"
    assert isinstance(shown, Routed)  # put back by who had put it away; nobody is behind it


def test_a_stream_in_front_of_another_is_like_it() -> None:
    text = io.TextIOWrapper(io.BytesIO(), encoding="utf-8", line_buffering=True)
    routed = Routed(text, "stdout", lambda: None)

    routed.writelines(["one\n", "two\n"])

    assert routed.encoding == "utf-8"
    assert not routed.isatty()
    assert routed.buffer.getvalue() == b"one\ntwo\n"
    with pytest.raises(TypeError):
        routed.write(b"bytes")  # type: ignore[arg-type]
