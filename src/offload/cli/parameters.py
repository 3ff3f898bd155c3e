"""What a task takes, as the help of a command: `offload start render --help`."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any

import click

from offload.cli.arguments import is_flag
from offload.cli.telling import visible
from offload.values import encode

_WORDS = {
    "integer": "INTEGER",
    "number": "NUMBER",
    "string": "TEXT",
    "boolean": "true|false",
    "object": "JSON",
    "null": "null",
}

LONGEST_DEFAULT = 60


def write_task_help(
    formatter: click.HelpFormatter, task: Mapping[str, Any], own: Collection[str]
) -> None:
    """Write what a task does and takes.

    Args:
        formatter: where to.
        task: in the form of JSON (`catalogue.task_shape`).
        own: the names of the command's options: a parameter of such a name is `name=value` only.
    """
    formatter.write_usage("offload start", f"{task['name']} [NAME=VALUE | --NAME VALUE]...")
    summary = visible(task["summary"])
    if summary:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(summary)
    rows = list(_rows(task["params"], own))
    if rows:
        with formatter.section("Parameters"):
            formatter.write_dl(rows)
    else:
        formatter.write_paragraph()
        formatter.write("  It takes no parameters.\n")


def _rows(schema: Mapping[str, Any], own: Collection[str]) -> Iterator[tuple[str, str]]:
    for name, parameter in schema["properties"].items():
        yield _spelled(name, parameter, schema, own), _explained(name, parameter, schema)
    if schema["additionalProperties"]:
        extra = schema["additionalProperties"]
        wanted = type_text(extra, schema) if isinstance(extra, dict) else "JSON"
        yield f"--NAME {wanted}", "Any other name."


def _spelled(
    name: str, parameter: Mapping[str, Any], schema: Mapping[str, Any], own: Collection[str]
) -> str:
    flag = f"--{name.replace('_', '-')}"
    if flag in own:
        return f"{name}={type_text(parameter, schema)}"
    if is_flag(parameter):
        return f"{flag} / --no-{flag[2:]}"
    return f"{flag} {type_text(parameter, schema)}"


def _explained(name: str, parameter: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    said = visible(parameter.get("description", ""))
    if name in schema["required"]:
        return f"{said}  [required]".strip()
    if "default" not in parameter:
        return said
    default = visible(encode(parameter["default"]).decode())
    if len(default) > LONGEST_DEFAULT:
        default = f"{default[: LONGEST_DEFAULT - 3]}..."
    return f"{said}  [default: {default}]".strip()


def type_text(parameter: Mapping[str, Any], schema: Mapping[str, Any]) -> str:
    """Say in a word or two what a parameter takes."""
    if "$ref" in parameter:
        name = parameter["$ref"].rpartition("/")[2]
        return type_text(schema.get("$defs", {}).get(name, {}), schema)
    choices = parameter.get("enum", [parameter["const"]] if "const" in parameter else [])
    if choices:
        words = (each if isinstance(each, str) else encode(each).decode() for each in choices)
        return visible("|".join(words))
    members = parameter.get("anyOf") or parameter.get("oneOf")
    if members:
        return "|".join(dict.fromkeys(type_text(member, schema) for member in members))
    if parameter.get("type") == "array":
        items = parameter.get("items")
        return f"{type_text(items, schema) if isinstance(items, dict) else 'JSON'}, repeatable"
    if isinstance(parameter.get("type"), list):
        return "|".join(_WORDS.get(each, "JSON") for each in parameter["type"])
    if "format" in parameter:
        return str(parameter["format"]).upper()
    return _WORDS.get(str(parameter.get("type")), "VALUE")
