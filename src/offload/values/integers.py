"""Integers of any size as decimal digits, exact and in reasonable time.

Python refuses ``str(n)`` and ``int(text)`` beyond 4,300 digits (``sys.set_int_max_str_digits``; the
setting is the program's, not ours, and can be as low as 640), because both take quadratic time
before 3.12. So long ones are cut into short pieces, and neighbours are joined pairwise until one is
left: one million digits are written in 0.6 s and read in 0.7 s (CPython 3.11), where
``str(Decimal(n))`` and ``int(Decimal(text))``, which know no limit either, take 17 s and 38 s.
"""

import decimal
import re
from decimal import Decimal
from typing import TypeVar

from offload.errors import Undecodable

SHORT = 512
"""So many digits Python converts itself, whatever its limit is set to."""

_PIECE = 128
"""Bytes of an integer that become one Decimal before joining starts."""

_EXACT = decimal.Context(
    prec=decimal.MAX_PREC,
    Emax=decimal.MAX_EMAX,
    Emin=decimal.MIN_EMIN,
    traps=[decimal.Inexact],
)
_DIGITS = re.compile(r"-?[0-9]+")

_Number = TypeVar("_Number", int, Decimal)


def encode_int(number: int) -> str:
    """Write an integer in decimal digits, exactly."""
    if number.bit_length() <= SHORT * 3:
        return str(number)
    raw = abs(number).to_bytes(number.bit_length() // 8 + 1, "little")
    pieces = [int.from_bytes(raw[at : at + _PIECE], "little") for at in range(0, len(raw), _PIECE)]
    with decimal.localcontext(_EXACT):
        # Decimal joins faster than int: it multiplies by number-theoretic transform.
        digits = str(_join([Decimal(piece) for piece in pieces], Decimal(1 << 8 * _PIECE)))
    return f"-{digits}" if number < 0 else digits


def decode_int(digits: str) -> int:
    """Read an integer from ASCII digits with at most a minus before them, exactly.

    Raises:
        Undecodable: it is written in another way; ``int()`` alone would take ``"1_0"``, ``" 1"``
            and digits of other scripts.
    """
    if _DIGITS.fullmatch(digits) is None:
        raise Undecodable("an integer is written with the digits 0 to 9, after a minus if negative")
    if len(digits) <= SHORT:
        return int(digits)
    bare = digits.removeprefix("-")
    pieces = [int(bare[max(0, end - SHORT) : end]) for end in range(len(bare), 0, -SHORT)]
    base: int = 10**SHORT
    number = _join(pieces, base)
    return -number if digits.startswith("-") else number


def _join(pieces: list[_Number], base: _Number) -> _Number:
    """Add up pieces, the lowest first, each worth ``base`` times the one before."""
    while True:
        if len(pieces) % 2:
            pieces.append(base - base)
        pairs = zip(pieces[::2], pieces[1::2], strict=True)
        pieces = [low + high * base for low, high in pairs]
        if len(pieces) == 1:
            return pieces[0]
        base = base * base
