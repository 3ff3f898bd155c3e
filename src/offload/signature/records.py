"""One idea: a record made on the fly, which converts many named values at once."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec


class Record:
    """The type of a record for msgspec, and how its fields are got out again.

    The fields have attributes of other names: a class cannot have every name that a parameter can
    (``__x`` is altered in a class, ``__init__`` is taken).

    Attributes:
        accepted: the type.
        attributes: the attribute of each field.
    """

    def __init__(
        self, name: str, fields: Mapping[str, tuple[Any, bool]], *, is_closed: bool = False
    ) -> None:
        """Make the type.

        Args:
            name: of the record.
            fields: for each one its readable type, and whether it is required.
            is_closed: whether other fields are refused.
        """
        self.attributes = {field: f"field_{field}" for field in fields}
        self.accepted = msgspec.defstruct(
            name,
            [
                (self.attributes[field], accepted, _default(field, is_required))
                for field, (accepted, is_required) in fields.items()
            ],
            kw_only=True,
            forbid_unknown_fields=is_closed,
        )

    def fields_of(self, found: Any, names: Iterable[str]) -> dict[str, Any]:
        """Return these fields of a converted record."""
        return {name: getattr(found, self.attributes[name]) for name in names}

    def given_fields_of(self, found: Any) -> dict[str, Any]:
        """Return the fields that were given."""
        fields = self.fields_of(found, self.attributes)
        return {name: value for name, value in fields.items() if value is not msgspec.UNSET}


def _default(field: str, is_required: bool) -> Any:
    if is_required:
        return msgspec.field(name=field)
    return msgspec.field(name=field, default=msgspec.UNSET)
