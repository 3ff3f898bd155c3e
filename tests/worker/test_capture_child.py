"""What a child process writes, by whatever means, reaches its job's log, and never more of it."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from offload.model import LogLine
from offload.store.logs import Skipping
from offload.worker.capture import Recorder
from offload.worker.capture.echo import MOST_HELD_BYTES, Echo
from offload.worker.capture.pipe import Pipes
from tests.support import eventually

_CHILD = """\
import os, sys
from offload.worker.capture.child import Output
output = Output(*map(int, sys.argv[1:4]))
output.begin()
exec(sys.argv[4])
output.end()
"""


class Heard:
    """What was said for a child's job, and what was shown besides."""

    def __init__(self) -> None:
        self.lines: list[LogLine] = []
        self.shown = b""
        self.stderr = b""

    def say(self, lines: Iterable[LogLine]) -> None:
        self.lines += lines

    def of(self, source: str) -> list[str]:
        return [line.text for line in self.lines if line.source == source]


def run(code: str, *, seconds: float = 20.0) -> Heard:
    """Run code in a child as a job's, and hear what it writes until it has ended."""
    heard = Heard()
    with piped() as (descriptor, read), tempfile.TemporaryFile() as stderr:
        echo = Echo({"stdout": descriptor, "stderr": descriptor})
        asyncio.run(_run(code, heard, echo, stderr, seconds))
        heard.shown = read()
        stderr.seek(0)
        heard.stderr = stderr.read()
    return heard


async def _run(code: str, heard: Heard, echo: Echo, stderr: IO[bytes], seconds: float) -> None:
    recorder, pipes = Recorder(heard.say, asyncio.get_running_loop()), Pipes(echo)
    pipes.attend(_always(recorder))
    numbers = [end.fileno() for end in pipes.ends]
    child = _start([_CHILD, *map(str, numbers), code], pass_fds=numbers, stderr=stderr)
    for end in pipes.ends:
        end.close()
    give_up_at = time.monotonic() + seconds
    while child.poll() is None:
        assert time.monotonic() < give_up_at, "the child is held up"
        await asyncio.sleep(0.005)
    pipes.close()
    recorder.close()
    echo.close()


def _always(recorder: Recorder) -> Callable[[], Recorder]:
    return lambda: recorder


def _start(words: list[str], **settings: Any) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-c", *words], **settings)


@contextmanager
def piped() -> Iterator[tuple[int, Callable[[], bytes]]]:
    """A descriptor to write to, and what was written to it: at most as much as a pipe holds."""
    ours, its = os.pipe()
    os.set_blocking(its, False)

    def read() -> bytes:
        os.set_blocking(ours, False)
        try:
            return os.read(ours, 1 << 20)
        except BlockingIOError:
            return b""

    try:
        yield its, read
    finally:
        os.close(ours)
        os.close(its)


def test_prints_and_everything_below_python_is_heard() -> None:
    heard = run(
        "import subprocess, ctypes\n"
        "print('printed')\n"
        "os.write(1, b'by descriptor\\n')\n"
        "ctypes.CDLL(None).puts(b'by C code')\n"
        "subprocess.run(['sh', '-c', 'echo by a program; echo its complaint >&2'])\n"
        "print('a complaint', file=sys.stderr)\n"
        "print('unfinished', end='')\n"
    )

    printed = ["printed", "by descriptor", "by C code", "by a program", "unfinished"]
    assert heard.of("stdout") == printed
    assert heard.of("stderr") == ["its complaint", "a complaint"]
    shown = heard.shown.decode()
    assert all(text in shown for text in [*printed, "its complaint", "a complaint"])


def test_a_record_comes_with_its_level_and_what_its_handler_prints_comes_not_again() -> None:
    heard = run(
        "import logging\n"
        "logging.basicConfig(level=logging.INFO)\n"
        "logging.getLogger('my.module').info('%d left', 3)\n"
        "logging.debug('too quiet')\n"
    )

    [line] = heard.lines
    assert (line.level, line.source, line.text) == ("INFO", "my.module", "3 left")
    assert heard.stderr == b"INFO:my.module:3 left\n"


def test_records_of_threads_and_forked_processes_are_heard() -> None:
    heard = run(
        "import logging, threading\n"
        "log = logging.getLogger('mine')\n"
        "thread = threading.Thread(target=log.error, args=('in a thread',))\n"
        "thread.start()\n"
        "thread.join()\n"
        "if os.fork() == 0:\n"
        "    log.error('in a fork')\n"
        "    os._exit(0)\n"
        "os.wait()\n"
    )

    assert heard.of("mine") == ["in a thread", "in a fork"]


def test_a_record_of_any_size_and_kind_is_heard() -> None:
    heard = run(
        "import logging\n"
        "logging.error('x' * 10_000_000)\n"
        "logging.error('\\ud800 \\0 \\x1b[1mbold')\n"
        "logging.error('two\\nlines')\n"
    )

    long, strange, two = heard.of("root")
    assert len(long) < 16 << 10
    assert long.endswith("more bytes)")
    assert strange == "\\ud800 \\x00 bold"
    assert two == "two\nlines"


def test_what_a_killed_child_has_written_is_heard() -> None:
    heard = run("import signal\nprint('last words')\nos.kill(os.getpid(), signal.SIGKILL)")

    assert heard.of("stdout") == ["last words"]


@pytest.mark.slow
def test_a_flood_of_a_hundred_megabytes_is_neither_held_up_nor_kept() -> None:
    heard = run(
        "line = b'x' * 99 + b'\\n'\nfor _ in range(1000): os.write(1, line * 1000)", seconds=60
    )

    skipped = sum(line.skipped for line in heard.lines if isinstance(line, Skipping))
    assert len(heard.lines) + skipped == 1_000_000
    assert len(heard.lines) < 100_000


def test_what_comes_after_a_job_is_not_taken_for_it() -> None:
    first, second = Heard(), Heard()

    async def main() -> None:
        echo = Echo({"stdout": -1, "stderr": -1})
        pipes = Pipes(echo)
        out = pipes.ends[0]
        for heard, text in ((first, b"first\n"), (second, b"second")):
            recorder = Recorder(heard.say, asyncio.get_running_loop())
            pipes.attend(_always(recorder))
            out.write(text)
            pipes.leave()
            recorder.close()
            out.write(b"between two jobs\n")
            await asyncio.sleep(0.01)
        pipes.close()
        echo.close()

    asyncio.run(main())

    assert [line.text for line in first.lines] == ["first"]
    assert [line.text for line in second.lines] == ["second"]


def test_half_a_record_is_passed_over() -> None:
    heard = Heard()

    async def main() -> None:
        echo = Echo()
        pipes = Pipes(echo)
        recorder = Recorder(heard.say, asyncio.get_running_loop())
        pipes.attend(_always(recorder))
        pipes.ends[2].write(b'\n{"at": 1.0, "level": "INF')
        pipes.ends[2].write(b'\n{"at":1.0,"level":"INFO","source":"mine","text":"whole"}\n')
        pipes.leave()
        recorder.close()
        pipes.close()
        echo.close()

    asyncio.run(main())

    assert heard.of("mine") == ["whole"]


def test_who_cannot_be_shown_anything_holds_nobody_up() -> None:
    ours, its = os.pipe()
    echo = Echo({"stdout": its, "stderr": its})

    for _ in range(100):
        echo.show("stdout", b"x" * 100_000)  # nobody reads; the pipe is full at once
    os.close(ours)
    echo.close()
    os.close(its)

    assert echo.held <= MOST_HELD_BYTES


def test_what_was_left_out_is_said() -> None:
    ours, its = os.pipe()
    echo = Echo({"stdout": its, "stderr": its})
    for _ in range(20):
        echo.show("stdout", b"x" * 100_000)
    read = b""

    def is_empty() -> bool:
        nonlocal read
        read += os.read(ours, 1 << 20)
        return echo.held == 0

    eventually(is_empty)
    echo.show("stdout", b"later\n")
    echo.close()
    read += os.read(ours, 1 << 20)
    os.close(ours)
    os.close(its)

    left_out = 2_000_000 - read.count(b"x")
    assert left_out > 0
    assert read.endswith(b"offload: %d bytes of output were not shown here\nlater\n" % left_out)
