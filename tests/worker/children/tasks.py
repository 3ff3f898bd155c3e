"""Blocking tasks of every temper."""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from offload.model import Snooze
from offload.worker.context import Context, current
from tests.support import eventually

SLEEP = [sys.executable, "-c", "import time; time.sleep(600)"]
DEAF = (
    "import signal, sys, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    "open(sys.argv[1], 'w').close(); time.sleep(600)"
)


def add(a: int, b: int) -> int:
    return a + b


def echo(value: Any) -> Any:
    return value


def size(text: str) -> int:
    return len(text)


def many_bytes(count: int) -> str:
    return "x" * count


def pid() -> int:
    return os.getpid()


def told(ctx: Context) -> list[Any]:
    return [ctx.job_id, ctx.attempt, ctx.idempotency_key, current() is ctx]


def counts(ctx: Context, most: int) -> int:
    for n in range(1, most + 1):
        ctx.progress(n, most, "counting", unit="number")
    return most


def counts_and_waits(ctx: Context, most: int) -> None:
    for n in range(1, most + 1):
        ctx.progress(n)
    while True:
        time.sleep(10)


def reads_standard_input() -> str:
    return sys.stdin.read()


def says_nothing() -> None:
    return None


def fails(word: str) -> None:
    raise ValueError(word)


def calls_exit() -> None:
    sys.exit(7)


def keeps_nothing() -> object:
    return object()


def ends_the_process(code: int) -> None:
    os._exit(code)


def segfaults() -> None:
    ctypes.string_at(0)


def kills_itself() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def terminates_itself() -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(600)


def obeys(ctx: Context, begun: str) -> None:
    Path(begun).touch()
    while not ctx.should_stop:
        time.sleep(0.001)


def spins(begun: str) -> None:
    Path(begun).touch()
    while True:
        pass


def tidies_up(begun: str, tidied: str) -> None:
    try:
        spins(begun)
    finally:
        Path(tidied).touch()


def is_deaf(begun: str) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    spins(begun)


def swallows_everything(begun: str) -> None:
    while True:
        try:
            spins(begun)
        except BaseException:
            continue


def finishes_all_the_same(ctx: Context, begun: str) -> str:
    obeys(ctx, begun)
    return "the work was done"


def waits_for_a_session_of_its_own(begun: str) -> None:
    subprocess.run([sys.executable, "-c", DEAF, begun], check=False, start_new_session=True)


def double_forks(begun: str) -> None:
    """A daemon as the books have it: no parent, a session of its own."""
    _double_fork(begun, dict(os.environ))


def double_forks_without_a_trace(begun: str) -> None:
    """And an empty environment."""
    _double_fork(begun, {})


def _double_fork(begun: str, environment: dict[str, str]) -> None:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execve(sys.executable, [sys.executable, "-c", DEAF, begun], environment)
        os._exit(0)
    os.wait()
    while True:
        time.sleep(10)


GENERATIONS = 3_000
"""At least 15 s. The dead are buried when their job ends: without a limit, on a machine that has
much to do, they filled its table of 32,768 processes, and nobody could start anything any more."""


def breeds(begun: str) -> None:
    """Each lives for a moment and starts the next one."""
    program = (
        "import os, sys, time\n"
        f"for _ in range({GENERATIONS}):\n"
        "    if os.fork(): time.sleep(0.005); os._exit(0)\n"
        "    os.setsid()\n"
    )
    subprocess.Popen([sys.executable, "-c", program])
    spins(begun)


def leaves_a_process(deaf: bool, begun: str) -> int:
    command = [sys.executable, "-c", DEAF, begun] if deaf else SLEEP
    left = subprocess.Popen(command, start_new_session=True)
    if deaf:
        eventually(lambda: os.path.exists(begun))
    return left.pid


def leaves_a_process_and_dies(begun: str) -> None:
    leaves_a_process(True, begun)
    os._exit(3)


def leaves_a_thread(file: str) -> None:
    def write() -> None:
        while True:
            with open(file, "a") as out:
                out.write(".")
            time.sleep(0.001)

    threading.Thread(target=write, daemon=True).start()
    current_context = current()
    while not current_context.should_stop:
        time.sleep(0.001)


def holds(mebibytes: int) -> int:
    held = bytearray(mebibytes << 20)
    time.sleep(600 if mebibytes > 1 else 0)
    return len(held)


def holds_later(begun: str, go: str, mebibytes: int) -> int:
    waits_for(begun, go)
    return holds(mebibytes)


def lets_another_hold(mebibytes: int) -> None:
    program = f"import time; held = bytearray({mebibytes} << 20); time.sleep(600)"
    subprocess.run([sys.executable, "-c", program], check=False, start_new_session=True)


def runs_out() -> None:
    raise MemoryError("no more room")


def forks_with_progress(ctx: Context) -> int:
    """What a forked process says is not heard, and harms nobody."""
    child = os.fork()
    if child == 0:
        ctx.progress(99)
        os._exit(0 if not ctx.should_stop else 1)
    _, status = os.waitpid(child, 0)
    return status


def snoozes() -> Any:
    return Snooze(5)


def sums(begun: str, count: int) -> int:
    """Takes a while, and is wrong when a step is left out."""
    Path(begun).touch()
    total = 0
    for n in range(count):
        total += n
    return total


def waits_for(begun: str, go: str) -> str:
    Path(begun).touch()
    eventually(lambda: os.path.exists(go), 60)
    return "went on"


def spins_in_two_sessions(begun: str) -> None:
    program = "import sys; open(sys.argv[1], 'w').close()\nwhile True: pass"
    subprocess.Popen([sys.executable, "-c", program, begun], start_new_session=True)
    while True:
        pass


def spins_in_threads(begun: str) -> None:
    threading.Thread(target=lambda: spins(begun), daemon=True).start()
    while True:
        pass


def swarms(begun: str, go: str) -> str:
    """Six processes at any time, each of which lives for 5 ms and starts the next one."""
    for _ in range(6):
        if os.fork() == 0:
            _pass_on(go)
    return waits_for(begun, go)


def _pass_on(go: str) -> None:
    for _ in range(GENERATIONS):
        if os.path.exists(go):
            break
        if os.fork():
            time.sleep(0.005)
            os._exit(0)
        os.setsid()
    os._exit(0)


def starts_programs(begun: str, go: str) -> int:
    """Starts one program after the other; each start sleeps for a while where no signal reaches."""
    Path(begun).touch()
    started = 0
    while not os.path.exists(go):
        subprocess.run(["/bin/true"], check=True)
        started += 1
    return started


def starts_a_program_slowly(begun: str, pipe: str) -> str:
    """The start waits for somebody who writes; so long this process hears no signal."""
    os.mkfifo(pipe)
    Path(begun).touch()
    opening = (os.POSIX_SPAWN_OPEN, 0, pipe, os.O_RDONLY, 0)
    pid = os.posix_spawn("/bin/true", ["true"], os.environ, file_actions=[opening])
    os.waitpid(pid, 0)
    return "started"


def stops_a_process_itself(begun: str, go: str) -> bool:
    """Says whether the process that it has stopped still is."""
    with subprocess.Popen(SLEEP) as stopped:
        os.kill(stopped.pid, signal.SIGSTOP)
        os.waitpid(stopped.pid, os.WUNTRACED)
        waits_for(begun, go)
        continued, _ = os.waitpid(stopped.pid, os.WCONTINUED | os.WNOHANG)
        stopped.kill()
        return continued == 0


def uses_the_processor(seconds: float) -> None:
    end_at = time.process_time() + seconds
    while time.process_time() < end_at:
        pass


def lets_another_use_the_processor(seconds: float) -> None:
    program = (
        f"import time\nend_at = time.process_time() + {seconds}\n"
        "while time.process_time() < end_at: pass"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def holds_for_a_moment(mebibytes: int) -> int:
    held = bytearray(os.urandom(1)) * (mebibytes << 20)
    time.sleep(0.02)
    return len(held)


def lets_another_hold_for_a_moment(mebibytes: int) -> None:
    program = f"import time; held = bytearray(b'x') * ({mebibytes} << 20); time.sleep(0.9)"
    subprocess.run([sys.executable, "-c", program], check=True, start_new_session=True)


def uses_the_processor_and_dies(seconds: float, mebibytes: int) -> None:
    held = bytearray(os.urandom(1)) * (mebibytes << 20)
    uses_the_processor(seconds)
    os._exit(3 if held else 4)
