"""Tasks whose code says at every turn what nobody is to read."""

import logging
import sys

from offload import Done, Fatal, Offload, Pending, current

app = Offload()


@app.task(secret=["password", "keys"], tags=["secrets"])
async def talks(user: str, password: str, keys: object = None) -> str:
    """Say it in every way, and succeed."""
    print("the password is", password)
    logging.getLogger("shop").warning("keys %s", keys)
    current().progress(1, 2, f"with {password!r}")
    return "done"


@app.task(secret=["password", "keys"])
async def raises(user: str, password: str, keys: object = None) -> None:
    """Say it, and fail with it."""
    try:
        raise KeyError(password)
    except KeyError as error:
        raise ValueError(f"{password} or {keys}" + "x" * 9000) from error


@app.task(secret=["password", "keys"])
def child(user: str, password: str, keys: object = None) -> None:
    """Say it in a process, and fail with it."""
    print(password, file=sys.stderr, flush=True)
    current().progress(1, 2, str(keys))
    raise RuntimeError(str(keys), password)


@app.task(executor="thread", secret=["password", "keys"], retries=1, backoff=0.01)
def thread(user: str, password: str, keys: object = None) -> None:
    """Say it in a thread, and fail with it twice."""
    logging.getLogger("shop").error("%r", {"password": password})
    raise ExceptionGroup("several", [ValueError(password), TypeError(str(keys))])


@app.polling(interval=0.05, error_budget=2, secret=["password", "keys"])
def elsewhere(user: str, password: str, keys: object = None) -> dict[str, object]:
    """Keep it in the handle, and let the checks say it."""
    return {"password": password, "keys": keys}


@elsewhere.check
def _(handle: dict[str, object]) -> Pending | Done:
    current().progress(1, 2, f"asking with {handle['password']}")
    raise OSError(f"refused {handle['password']} {handle['keys']}")


@app.task(secret=["pin", "password"])
async def counted(pin: int, password: str = "c4nary-default") -> None:
    """Take a number, and have a default that nobody is to read."""
    raise Fatal(f"the pin {pin}")
