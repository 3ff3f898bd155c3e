"""One idea: a function's signature as a schema that checks and converts parameters.

Parameters pass it twice. At the door they are checked, converted and turned into JSON; at run time
that JSON is converted into what the function wants. What passes the first must pass the second, so
wherever JSON could lose something the door reads back what it is about to hand over.
"""

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Self

import msgspec

from offload.errors import Fault, InvalidParameters, NotSerializable
from offload.redacting import HIDDEN
from offload.signature.annotation import convert, schemas
from offload.signature.encodable import why_not_encodable
from offload.signature.faults import fault
from offload.signature.parameters import (
    EXTRA,
    POSITIONAL,
    POSITIONAL_ONLY,
    REST,
    Parameter,
    refusal,
    take_apart,
)
from offload.signature.querytext import Misread, read_texts, takes_list
from offload.signature.records import Record
from offload.signature.rewriting import as_json_shows, without_numpy
from offload.signature.shapes import choices, comes_back_from_json, needs_rewriting
from offload.values import decode, encode


class Signature(msgspec.Struct, frozen=True, eq=False):
    """What a task takes: made once, when the function is registered, by `Signature.of`.

    Attributes:
        task: the task's name.
        text: for people: ``power_sim(a: int, b: int, delay_seconds: float = 5)``.
        doc: the function's docstring.
        wants_context: the parameter that the worker fills with a Context, if there is one; it is
            never a user's parameter.
    """

    task: str
    text: str
    doc: str
    wants_context: str | None
    _all: tuple[Parameter, ...]
    _named: dict[str, Parameter]
    _extra: Parameter | None
    _positional: tuple[str, ...]
    _rest: str | None
    _required: frozenset[str]
    _rewritten: frozenset[str]
    _is_plain: bool
    _record: Record
    _secret: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls,
        function: Callable[..., Any],
        *,
        task: str,
        encoder_given: bool = False,
        secret: Iterable[str] = (),
    ) -> Self:
        """Read the function's signature, annotations and docstring.

        Args:
            function: what the task runs.
            task: the name it is registered under.
            encoder_given: whether the task says itself how its results are encoded; the return
                annotation is not judged then.
            secret: the parameters of which no value is ever shown, and no default.

        Raises:
            InvalidTask: the function cannot be a task as it is written.
        """
        secret = frozenset(secret)
        taken = take_apart(function, task, secret)
        if not encoder_given and (what := why_not_encodable(taken.returns)):
            raise refusal(
                task,
                f"it returns {what}, which JSON cannot carry; return something that it can, such "
                "as a list or a dict with text as keys, or say with encode= how it is encoded",
            )
        return cls(
            task=task,
            text=f"{task}{taken.text}",
            doc=taken.doc,
            wants_context=next((each.name for each in taken.parameters if each.is_context), None),
            **_prepared(taken.parameters),
            _secret=secret,
        )

    def __repr__(self) -> str:
        return f"<Signature {self.text}>"

    @property
    def summary(self) -> str:
        """The first line of the docstring."""
        return self.doc.partition("\n")[0]

    @property
    def names(self) -> tuple[str, ...]:
        """The parameters that have a name, in their order."""
        return tuple(self._named)

    def bind(self, args: Sequence[Any], kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """Turn the arguments of a Python call into parameters by name; they are not checked yet.

        A Context takes no place among the arguments. Positional-only parameters may be given by
        name, as they are over HTTP.

        Raises:
            InvalidParameters: the arguments do not fit; lists every fault, wrong types included.
        """
        placed = dict(zip(self._positional, args, strict=False))
        params = {**placed, **kwargs}
        fits = (
            len(args) <= len(self._positional)
            and len(params) == len(placed) + len(kwargs)
            and self._required <= params.keys()
            and params.keys() <= self._named.keys()
        )
        return params if fits else self._bound_with_care(args, kwargs, params)

    def check(self, params: Mapping[str, Any]) -> bytes:
        """Convert each parameter to its annotation and encode them all: a JSON object.

        Only what was given is in it; defaults apply when the function runs.

        Raises:
            InvalidParameters: lists every fault: missing, unexpected, of a wrong type, or holding
                something that JSON cannot carry.
        """
        values = self._converted(params)
        if self._secret:
            self._refuse_hidden(params)
        try:
            params_json = encode(values if self._is_plain else self._as_json_shows(values))
        except Exception:  # mostly NotSerializable; a user's own class may raise anything
            raise InvalidParameters(self.task, self._unencodable(values)) from None
        if not self._is_plain:
            self._read(params_json)
        return params_json

    def check_text(self, query: Iterable[tuple[str, str]]) -> bytes:
        """Do what `check` does for names and texts from a query string or a command line.

        How text is read stands in `querytext`.

        Raises:
            InvalidParameters: as `check`.
        """
        values: dict[str, Any] = {}
        misread: dict[str, Fault] = {}
        for name, texts in _grouped(query).items():
            parameter = self._parameter(name)
            try:
                values[name] = read_texts(parameter.shape, texts) if parameter else texts[0]
            except Misread as error:
                misread[name] = self._told(name, Fault(name + error.path, error.problem))
        if misread:
            raise InvalidParameters(self.task, self._each(values, misread)[1])
        return self.check(values)

    def repeated(self, query: Iterable[tuple[str, str]]) -> list[str]:
        """The names that are given more than once and are not lists.

        A door asks this before it lets the parameters be checked.
        """
        return [
            name
            for name, texts in _grouped(query).items()
            if len(texts) > 1 and not self._takes_list(name)
        ]

    def call_arguments(
        self, params_json: bytes, *, context: object = None
    ) -> tuple[list[Any], dict[str, Any]]:
        """Turn stored parameters into the arguments of a call, each as its annotation says.

        Args:
            params_json: what `check` returned.
            context: what the parameter annotated Context gets.

        Raises:
            InvalidParameters: the function has changed since, and they no longer fit.
            Undecodable: the bytes are no JSON.
        """
        values = self._read(params_json)
        if self.wants_context and context is not None:
            values[self.wants_context] = context
        by_place = self._all[: self._count_by_place(values)]
        args = [values.pop(parameter.name, parameter.fallback) for parameter in by_place]
        if self._rest:
            args.extend(values.pop(self._rest, ()))
        return args, values

    def schema(self) -> dict[str, Any]:
        """The parameters as JSON Schema 2020-12: an object."""
        shown = [*self._named.values(), *([self._extra] if self._extra else [])]
        found, definitions = schemas([parameter.accepted for parameter in shown])
        by_name = {
            parameter.name: _described(parameter, schema, is_secret=parameter.name in self._secret)
            for parameter, schema in zip(shown, found, strict=True)
        }
        extra = by_name.pop(self._extra.name) if self._extra else False
        schema: dict[str, Any] = {"type": "object", "properties": by_name}
        schema["required"] = [name for name in by_name if name in self._required]
        schema["additionalProperties"] = extra
        return schema | ({"$defs": definitions} if definitions else {})

    def _converted(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """All at once; parameter by parameter only when something is wrong."""
        try:
            if self._is_plain:
                found: Any = msgspec.convert(params, self._record.accepted)
            else:
                found = convert(params, self._record.accepted)
        except Exception:  # a user's own class may raise anything; the faults are found below
            values, faults = self._each(params)
            if faults:
                raise InvalidParameters(self.task, faults) from None
            return values
        return self._record.fields_of(found, params)

    def _each(
        self, params: Mapping[str, Any], known: Mapping[str, Fault] = MappingProxyType({})
    ) -> tuple[dict[str, Any], list[Fault]]:
        """Convert one by one, in the order of the signature, what is not known to be wrong."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for name in dict.fromkeys([*self._named, *known, *params]):
            parameter = self._parameter(name)
            if name in known:
                faults.append(known[name])
            elif name not in params:
                faults.extend([Fault(name, "missing")] if name in self._required else [])
            elif parameter is None:
                faults.append(self._unexpected(name, params))
            else:
                try:
                    values[name] = _converted_one(parameter, params[name])
                except Exception as error:  # a user's own class may raise anything
                    allowed = choices(parameter.shape)
                    found = fault(name, error, params[name], choices=allowed)
                    faults.append(self._told(name, found))
        return values, faults

    def _unexpected(self, name: str, params: Mapping[str, Any]) -> Fault:
        if name == self.wants_context:
            return Fault(name, "unexpected: offload gives it when the job runs")
        free = [each for each in self._named if each not in params]
        nearest = get_close_matches(str(name)[:100], free, n=1)
        hint = f"; did you mean {nearest[0]}?" if nearest else ""
        return Fault(str(name), f"unexpected{hint}")

    def _bound_with_care(
        self, args: Sequence[Any], kwargs: Mapping[str, Any], params: dict[str, Any]
    ) -> dict[str, Any]:
        placed = self._positional[: len(args)]
        twice = {name: Fault(name, "given twice") for name in placed if name in kwargs}
        over = args[len(self._positional) :]
        if over and self._rest and self._rest in kwargs:
            twice[self._rest] = Fault(self._rest, "given twice")
        elif over and self._rest:
            params[self._rest] = list(over)
        faults = self._each(params, twice)[1]
        if over and not self._rest:
            most = f"at most {len(self._positional)} positional, got {len(args)}"
            faults.append(Fault(f"argument {len(self._positional) + 1}", f"too many: {most}"))
        if faults:
            raise InvalidParameters(self.task, faults)
        return params

    def _as_json_shows(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {name: self._one_as_json_shows(name, value) for name, value in values.items()}

    def _one_as_json_shows(self, name: str, value: Any) -> Any:
        parameter = self._parameter(name)
        if parameter is None or parameter.name not in self._rewritten:
            return value
        return as_json_shows(value, parameter.shape)

    def _unencodable(self, values: Mapping[str, Any]) -> list[Fault]:
        faults = []
        for name, value in values.items():
            try:
                encode(self._one_as_json_shows(name, value))
            except NotSerializable as error:
                found = Fault(name + error.path.removeprefix("$"), error.problem)
                faults.append(self._told(name, found))
            except Exception as error:  # a user's own class may raise anything
                faults.append(self._told(name, fault(name, error, value)))
        return faults

    def _told(self, name: str, fault: Fault) -> Fault:
        """Return what may be said of a fault: of a secret value only what it should have been."""
        if name not in self._secret:
            return fault
        wanted, was_shown, _ = fault.problem.partition(", got ")
        is_known = was_shown and wanted.startswith("expected ")
        return Fault(name, f"{wanted}, got {HIDDEN}" if is_known else "this does not fit")

    def _refuse_hidden(self, params: Mapping[str, Any]) -> None:
        """What is shown in place of a value, taken from a job that was looked at, is no value."""
        problem = f"{HIDDEN} stands for a value that is not shown; give the value itself"
        faults = [Fault(name, problem) for name in self._secret if params.get(name) == HIDDEN]
        if faults:
            raise InvalidParameters(self.task, faults)

    def _read(self, params_json: bytes) -> dict[str, Any]:
        stored = decode(params_json)
        if not isinstance(stored, dict):
            raise InvalidParameters(self.task, [Fault("parameters", "expected an object in JSON")])
        return self._converted(stored)

    def _parameter(self, name: str) -> Parameter | None:
        return None if name == self.wants_context else self._named.get(name, self._extra)

    def _takes_list(self, name: str) -> bool:
        parameter = self._parameter(name)
        return parameter is not None and takes_list(parameter.shape)

    def _count_by_place(self, values: Mapping[str, Any]) -> int:
        """How many parameters must be given by place.

        All before ``*urls``, if any are given; else up to the last one that Python takes in no
        other way.
        """
        last = 0
        for place, parameter in enumerate(self._all, start=1):
            if parameter.kind is REST and values.get(parameter.name):
                return place - 1
            if parameter.kind is POSITIONAL_ONLY and parameter.name in values:
                last = place
        return last


def _prepared(parameters: Sequence[Parameter]) -> dict[str, Any]:
    """What every check would otherwise find out anew."""
    given = [each for each in parameters if not each.is_context]
    named = {each.name: each for each in given if each.kind is not EXTRA}
    fields = {name: (each.accepted, each.is_required) for name, each in named.items()}
    return {
        "_all": tuple(parameters),
        "_named": named,
        "_extra": next((each for each in given if each.kind is EXTRA), None),
        "_positional": tuple(each.name for each in given if each.kind in POSITIONAL),
        "_rest": next((each.name for each in given if each.kind is REST), None),
        "_required": frozenset(each.name for each in given if each.is_required),
        "_rewritten": frozenset(each.name for each in given if needs_rewriting(each.shape)),
        "_is_plain": all(comes_back_from_json(each.shape) for each in given),
        "_record": Record("Parameters", fields, is_closed=True),
    }


def _grouped(query: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, text in query:
        grouped.setdefault(name, []).append(text)
    return grouped


def _converted_one(parameter: Parameter, value: Any) -> Any:
    try:
        return convert(value, parameter.accepted)
    except Exception:  # a user's own class may raise anything
        plain = without_numpy(value)
        if plain is value:
            raise
        return convert(plain, parameter.accepted)


def _described(
    parameter: Parameter, schema: dict[str, Any], *, is_secret: bool = False
) -> dict[str, Any]:
    """The parameter's schema with what the docstring says, and its default where JSON has it."""
    described = (
        {"description": parameter.description, **schema} if parameter.description else schema
    )
    if is_secret:
        return {"format": "password", **described, "writeOnly": True}
    if parameter.default is inspect.Parameter.empty:
        return described
    try:
        return described | {
            "default": decode(encode(as_json_shows(parameter.default, parameter.shape)))
        }
    except Exception:  # as above
        return described
