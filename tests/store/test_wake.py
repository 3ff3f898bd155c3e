"""Wake-ups: heard in this process and in others, and never more than a hint."""

import contextlib
import gc
import os
import queue
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from offload.store.base import Effects
from offload.store.wake import Bell
from tests.store.test_sqlite_file import as_an_ordinary_user
from tests.support import eventually

SOON = 20.0

SOMETHING = Effects(changed=(1, 2), wished=(3,), claimable=True)


class Ear:
    """A listener that can be waited for."""

    def __init__(self) -> None:
        self._heard: queue.SimpleQueue[Effects | None] = queue.SimpleQueue()

    def __call__(self, effects: Effects | None) -> None:
        self._heard.put(effects)

    def next(self) -> Effects | None:
        return self._heard.get(timeout=SOON)

    @property
    def is_silent(self) -> bool:
        return self._heard.empty()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "offload.db-run"


@pytest.fixture
def make_bell(folder: Path) -> Iterator[Callable[..., Bell]]:
    """Make bells, each as that of another process, and close them at the end."""
    bells: list[Bell] = []
    others = set(threading.enumerate())

    def make(where: Path | None = folder) -> Bell:
        bells.append(Bell(where))
        return bells[-1]

    yield make
    for bell in bells:
        bell.close()
    eventually(lambda: _wake_threads(others) == 0)


def listening(bell: Bell) -> Ear:
    ear = Ear()
    bell.listen(ear)
    return ear


def sockets(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.glob("*.sock"))


def send(folder: Path, packet: bytes) -> None:
    """Send a packet to everybody in the folder, as anybody could."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        for name in sockets(folder):
            # From where we are: a socket's address may have 107 bytes only, unix(7).
            sender.sendto(packet, os.path.relpath(folder / name))


# --- who hears


def test_everybody_in_this_process_hears_at_once(make_bell: Callable[..., Bell]) -> None:
    bell = make_bell(None)
    ears = [listening(bell), listening(bell)]

    bell.ring(SOMETHING)

    assert [ear.is_silent for ear in ears] == [False, False]
    assert [ear.next() for ear in ears] == [SOMETHING, SOMETHING]


def test_who_does_not_listen_any_more_hears_nothing(make_bell: Callable[..., Bell]) -> None:
    bell, ear = make_bell(None), Ear()
    end = bell.listen(ear)
    end()
    end()

    bell.ring(SOMETHING)

    assert ear.is_silent


def test_who_listens_to_others_hears_nothing_of_this_process(
    make_bell: Callable[..., Bell],
) -> None:
    one, other, ear = make_bell(), make_bell(), Ear()
    one.listen_to_others(ear)

    one.ring(Effects(changed=(9,)))
    other.ring(SOMETHING)

    assert ear.next() == SOMETHING
    assert ear.is_silent


def test_nobody_is_woken_for_nothing(make_bell: Callable[..., Bell]) -> None:
    bell = make_bell(None)
    ear = listening(bell)

    bell.ring(Effects())

    assert ear.is_silent


def test_a_bell_in_another_place_hears_too_and_one_s_own_hears_once(
    make_bell: Callable[..., Bell],
) -> None:
    one, other = make_bell(), make_bell()
    here, there = listening(one), listening(other)

    one.ring(SOMETHING)
    other.ring(Effects(changed=(9,)))

    heard = [{ear.next(), ear.next()} for ear in (here, there)]
    assert heard == [{SOMETHING, Effects(changed=(9,))}] * 2
    assert here.is_silent
    assert there.is_silent


def test_one_that_begins_to_listen_later_is_found(make_bell: Callable[..., Bell]) -> None:
    one = make_bell()
    listening(one)
    one.ring(SOMETHING)
    other = listening(make_bell())

    one.ring(SOMETHING)

    assert other.next() == SOMETHING


def test_one_that_begins_within_a_tick_of_the_file_system_s_clock_is_found(
    make_bell: Callable[..., Bell], folder: Path
) -> None:
    """A folder's time of change moves in steps of some milliseconds: it may stay the same."""
    one = make_bell()
    listening(one)
    one.ring(SOMETHING)
    changed_at = folder.stat().st_mtime_ns
    other = listening(make_bell())
    os.utime(folder, ns=(changed_at, changed_at))

    one.ring(SOMETHING)

    assert other.next() == SOMETHING


CHILD = """
import sys
from pathlib import Path
from offload.store.base import Effects
from offload.store.wake import Bell

bell = Bell(Path(sys.argv[1]))
bell.listen(lambda effects: print(effects, flush=True))
print("ready", flush=True)
sys.stdin.readline()
bell.ring(Effects(changed=(7,)))
sys.stdin.readline()
"""


def test_another_process_hears_and_is_heard(make_bell: Callable[..., Bell], folder: Path) -> None:
    bell = make_bell()
    ear = listening(bell)
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, folder],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert child.stdin is not None
    assert child.stdout is not None
    said = [child.stdout.readline()]

    bell.ring(SOMETHING)
    said.append(child.stdout.readline())
    child.stdin.write("ring\n")
    child.stdin.flush()
    heard = [ear.next(), ear.next()]
    child.communicate(timeout=SOON)

    assert said == ["ready\n", f"{SOMETHING}\n"]
    assert heard == [SOMETHING, Effects(changed=(7,))]


# --- what is in the way


def test_a_folder_may_lie_as_deep_as_it_likes(
    make_bell: Callable[..., Bell], tmp_path: Path
) -> None:
    """The path of a unix socket holds 107 bytes; a project's folder may be longer."""
    deep = tmp_path.joinpath(*["a rather long name of a folder"] * 6)
    deep.mkdir(parents=True)
    one, other = make_bell(deep / "run"), make_bell(deep / "run")
    listening(one)
    ear = listening(other)

    one.ring(SOMETHING)

    assert ear.next() == SOMETHING
    assert len(str(deep)) > 108


@pytest.mark.parametrize("obstacle", ["no parent", "a file"])
def test_where_there_can_be_no_socket_this_process_still_hears(
    make_bell: Callable[..., Bell], tmp_path: Path, obstacle: str
) -> None:
    (tmp_path / "file").touch()
    where = tmp_path / "missing" / "run" if obstacle == "no parent" else tmp_path / "file"
    bell = make_bell(where)
    ear = listening(bell)

    bell.ring(SOMETHING)

    assert ear.next() == SOMETHING


def test_a_folder_that_may_not_be_written_leaves_nothing_open(
    make_bell: Callable[..., Bell],
) -> None:
    """An unclosed socket would warn, and a warning is an error."""
    with tempfile.TemporaryDirectory() as closed:
        Path(closed).chmod(0o555)
        with as_an_ordinary_user():
            bell = make_bell(Path(closed))
            ear = listening(bell)
            for _ in range(5):
                bell.ring(SOMETHING)
            gc.collect()
        left_open = [path for path in opened_paths() if path == closed]

    assert ear.next() == SOMETHING
    assert left_open == []


def opened_paths() -> Iterator[str]:
    for descriptor in Path("/proc/self/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # closed by another thread meanwhile
            yield os.readlink(descriptor)


def test_one_that_does_not_empty_its_buffer_holds_nobody_up(
    make_bell: Callable[..., Bell], folder: Path
) -> None:
    bell, other = make_bell(), make_bell()
    listening(bell)
    ear = listening(other)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(str(folder / "wake-1-deaf.sock"))
        for _ in range(1000):
            bell.ring(SOMETHING)
            assert ear.next() == SOMETHING

        assert "wake-1-deaf.sock" in sockets(folder)


def test_the_socket_of_a_dead_process_is_removed(
    make_bell: Callable[..., Bell], folder: Path
) -> None:
    bell, other = make_bell(), make_bell()
    listening(bell)
    ear = listening(other)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as dead:
        dead.bind(str(folder / "wake-1-dead.sock"))

    bell.ring(SOMETHING)

    assert ear.next() == SOMETHING
    assert len(sockets(folder)) == 2
    assert "wake-1-dead.sock" not in sockets(folder)


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        b"garbage",
        b"\xc1",
        msgspec.msgpack.encode("text"),
        msgspec.msgpack.encode([["a"], [], False]),
        msgspec.msgpack.encode([[1], [], False])[:-1],
        msgspec.msgpack.encode([[], [], False, 0])[:-1] + b"\x91" * 2000,
        bytes(5000),
    ],
)
def test_what_cannot_be_understood_means_look_again(
    make_bell: Callable[..., Bell], folder: Path, packet: bytes
) -> None:
    bell, other = make_bell(), make_bell()
    listening(other)
    ear = listening(bell)

    send(folder, packet)
    other.ring(SOMETHING)

    assert ear.next() is None
    assert ear.next() == SOMETHING


def test_of_too_many_jobs_only_that_something_changed_is_told(
    make_bell: Callable[..., Bell],
) -> None:
    one, other = make_bell(), make_bell()
    here, there = listening(one), listening(other)
    many = Effects(changed=tuple(range(2**62, 2**62 + 1000)))
    just = Effects(changed=tuple(range(2**62, 2**62 + 128)))

    one.ring(many)
    one.ring(just)

    assert (here.next(), here.next()) == (many, just)
    assert (there.next(), there.next()) == (None, just)


def test_a_folder_that_was_removed_stops_nobody(
    make_bell: Callable[..., Bell], folder: Path
) -> None:
    bell = make_bell()
    ear = listening(bell)
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()

    bell.ring(SOMETHING)

    assert ear.next() == SOMETHING


# --- its end


def test_a_closed_bell_leaves_nothing_behind(make_bell: Callable[..., Bell], folder: Path) -> None:
    others = set(threading.enumerate())
    one, other = make_bell(), make_bell()
    ear = listening(one)
    listening(other)

    other.close()
    other.close()
    one.ring(SOMETHING)

    assert ear.next() == SOMETHING
    assert len(sockets(folder)) == 1
    eventually(lambda: _wake_threads(others) == 1)


def _wake_threads(others: set[threading.Thread]) -> int:
    """Count those that listen, besides the threads that were there before."""
    return sum(thread.name == "offload-wake" for thread in set(threading.enumerate()) - others)


def test_the_folder_is_private(make_bell: Callable[..., Bell], folder: Path) -> None:
    listening(make_bell())

    assert folder.stat().st_mode & 0o777 == 0o700
