"""Shapes, bodies and tasks as JSON Schema 2020-12, each under one name that others refer to."""

import re
from typing import Any

import msgspec

from offload.http.amending import AMENDING
from offload.http.bulk import ASKING
from offload.http.halting import PAUSING, RESUMING
from offload.http.options import OPTIONS
from offload.http.queues import SETTINGS
from offload.registry import RegisteredTask
from offload.signature import Signature
from offload.wire.problems import ProblemShape
from offload.wire.reason import SAYING

Schema = dict[str, Any]

WHERE = "#/components/schemas/"

_OWN = re.compile(r"#/\$defs/")
_NO_NAME = re.compile(r"[^A-Za-z0-9._-]")

_BY_TYPE: dict[str, Any] = {
    "integer": 1,
    "number": 1.5,
    "string": "text",
    "boolean": True,
    "array": [],
    "null": None,
}
"""A value of each type, where nothing else is known of it."""


class Schemas:
    """The schemas of one document.

    Attributes:
        named: all that were asked for, and what they refer to, by name.
    """

    def __init__(self) -> None:
        self.named: dict[str, Schema] = {}
        self.of_type(ProblemShape)
        self.named["Parameters"] = {"type": "object"}
        self.named["Options"] = self._lifted(OPTIONS.schema(), "")
        self.named["QueueSettings"] = _settings(SETTINGS)
        self.named["Amendment"] = self._lifted(_settings(AMENDING), "")
        self.named["Bulk"] = self._lifted(ASKING.schema(), "")
        self.named["Pause"] = self._lifted(SAYING.schema(), "")
        self.named["Halt"] = self._lifted(PAUSING.schema(), "")
        self.named["Release"] = self._lifted(RESUMING.schema(), "")
        self.named["Start"] = _start("Parameters", required=False)
        self.named["OneOfMany"] = _one_of_many()
        self.named["ManyStarts"] = _many_starts()
        self.named["Starts"] = {"anyOf": [_SEVERAL, ref("ManyStarts")]}
        self.named["Lasting"] = _lasting()

    def of_type(self, kind: Any) -> Schema:
        """Return a schema that refers to a type of ours."""
        if kind is Any:
            return {}
        [found], named = msgspec.json.schema_components([kind], ref_template=WHERE + "{name}")
        for name, schema in named.items():
            short = _short(schema)
            if self.named.setdefault(name, short) != short:
                raise AssertionError(f"two types are called {name}: one would hide the other")
        return dict(found)

    def of_task(self, registered: RegisteredTask) -> Schema:
        """Return a schema that refers to the body of a task's start."""
        name = registered.name
        own = self._lifted(registered.signature.schema(), f"{name}.")
        self.named[f"{name}.params"] = own
        self.named[f"{name}.start"] = _start(f"{name}.params", required=bool(own["required"]))
        return ref(f"{name}.start")

    def example(self, schema: Schema) -> Any:
        """Return a value that fits, as far as a glance at the schema can tell."""
        if "$ref" in schema:
            return self.example(self.named[schema["$ref"].removeprefix(WHERE)])
        if "default" in schema or "enum" in schema:
            return schema.get("default", next(iter(schema.get("enum", ())), None))
        if "anyOf" in schema:
            return self.example(schema["anyOf"][0])
        if schema.get("type") == "object":
            needed = schema.get("required", ())
            return {name: self.example(schema["properties"][name]) for name in needed}
        least = schema.get("minimum")
        return _BY_TYPE.get(schema.get("type", "string"), "text") if least is None else least

    def _lifted(self, schema: Schema, prefix: str) -> Schema:
        """Name a schema's own definitions here: within a document it is not one itself."""
        schema = _referring(schema, WHERE + prefix)
        for name, own in schema.pop("$defs", {}).items():
            self.named[prefix + _NO_NAME.sub("_", name)] = own
        return schema


def ref(name: str) -> Schema:
    """Return a schema that refers to a named one."""
    return {"$ref": WHERE + name}


def _referring(schema: Any, where: str) -> Any:
    """Return a schema whose references lead to where its definitions will stand."""
    if isinstance(schema, list):
        return [_referring(each, where) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if isinstance(target := schema.get("$ref"), str) and _OWN.match(target):
        return {**schema, "$ref": where + _NO_NAME.sub("_", _OWN.sub("", target))}
    return {name: _referring(each, where) for name, each in schema.items()}


def _short(schema: Schema) -> Schema:
    """Keep the first sentences of a description: the rest is about Python."""
    said = schema.get("description", "").partition("\n\n")[0]
    return {name: each for name, each in schema.items() if name != "title"} | (
        {"description": said} if said else {}
    )


def _start(parameters: str, *, required: bool) -> Schema:
    return {
        "type": "object",
        "properties": {"params": ref(parameters), "options": ref("Options")},
        "required": ["params"] if required else [],
        "additionalProperties": False,
    }


def _one_of_many() -> Schema:
    item = _start("Parameters", required=False)
    item["properties"] = {"task": {"type": "string", "minLength": 1}, **item["properties"]}
    item["required"] = ["task"]
    return item


_SEVERAL = {"type": "array", "items": ref("OneOfMany"), "minItems": 1, "maxItems": 1000}


def _many_starts() -> Schema:
    """Describe starts of which is said besides whether they are a group."""
    return {
        "type": "object",
        "properties": {"jobs": _SEVERAL, "group": {"type": "boolean", "default": False}},
        "required": ["jobs"],
        "additionalProperties": False,
    }


def _settings(signature: Signature) -> Schema:
    """What is not said stays: there are no defaults."""
    schema = signature.schema()
    for each in schema["properties"].values():
        each.pop("default", None)
    return schema


def _lasting() -> Schema:
    """Describe how long a token for one job is to last."""
    expires = {
        "anyOf": [{"type": "string"}, {"type": "number", "minimum": 1, "maximum": 86_400}],
        "description": "From 1s to 24h, as a number of seconds or text; an hour by default.",
    }
    return {"type": "object", "properties": {"expires": expires}, "additionalProperties": False}
