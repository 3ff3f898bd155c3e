"""By what a list, or an operation on many jobs, is narrowed; and a page of what is left."""

import re

from msgspec import Struct

from offload.model import State
from offload.store.base import List, Listed, Paged, Term
from offload.verbs import Plan

MOST_TERMS = 10
LONGEST_TEXT = 500

Terms = tuple[Term, ...]

_PIECE = re.compile(r'(?:"[^"]*"|[^\s"])+|"')
_SPACE = re.compile(r"\s")
_PARAMETER = re.compile(r"param\.([^:\s]+):(.*)", re.DOTALL)


class Filter(Struct, frozen=True):
    """What jobs must be like; what is not said is not asked.

    Attributes:
        states: in one of these stored states.
        task: of this task, by its own name.
        queue: of this queue.
        tag: with this tag.
        group: of this group.
        since: started at this instant or later.
        worker: in the hands of this worker, by its id; of finished ones those that it had last.
        terms: free text, from `terms_of`; looked for in the newest 10,000 jobs.
    """

    states: tuple[State, ...] = ()
    task: str | None = None
    queue: str | None = None
    tag: str | None = None
    group: int | None = None
    since: float | None = None
    worker: int | None = None
    terms: Terms = ()


def page(narrowed: Filter, limit: int, before: int | None) -> Plan[Listed]:
    """Read a page, newest first. It looks at few jobs, so it may be short and still have a next."""
    which = List(
        limit,
        before,
        narrowed.states,
        narrowed.task,
        narrowed.queue,
        narrowed.tag,
        narrowed.group,
        narrowed.since,
        narrowed.worker,
    )
    listed: Listed = yield Paged(which, narrowed.terms)
    return listed


def terms_of(text: str) -> Terms:
    """Read free text: words, `param.name:value` and `error:word`; quotes keep spaces together.

    Raises:
        ValueError: it is too long, or has too many terms.
    """
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"at most {LONGEST_TEXT} characters can be looked for, not {len(text)}")
    pieces = [piece.replace('"', "") for piece in _PIECE.findall(text)]
    terms = tuple(_term(piece) for piece in pieces if piece)
    if len(terms) > MOST_TERMS:
        raise ValueError(f"at most {MOST_TERMS} words can be looked for, not {len(terms)}")
    return terms


def text_of(terms: Terms) -> str:
    """Write terms as `terms_of` reads them."""
    return " ".join(_piece(term) for term in terms)


def _piece(term: Term) -> str:
    said = {"param": f"param.{term.name}:", "error": "error:"}.get(term.kind, "") + term.text
    return f'"{said}"' if _SPACE.search(said) else said


def _term(piece: str) -> Term:
    if found := _PARAMETER.fullmatch(piece):
        return Term("param", _lower(found[2]), found[1])
    kind, colon, word = piece.partition(":")
    if kind == "error" and colon:
        return Term("error", _lower(word))
    return Term("any", _lower(piece))


def _lower(text: str) -> str:
    """As the database does it: ASCII letters only. A NUL, at which it would end, as in JSON."""
    return re.sub("[A-Z]+", lambda found: found[0].lower(), text).replace("\0", r"\u0000")
