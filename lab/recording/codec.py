"""Frozen records to JSON values and back, led by their type annotations.

A dataclass and a named tuple are objects with a member per field, a tuple is an array, a mapping an object. Texts and
captures that lie in files of their own (`FILED`) are left out.
"""

from __future__ import annotations

import dataclasses
import functools
import types
import typing
from collections.abc import Callable, Mapping
from typing import Any, Final

from lab.errors import EvidenceError
from lab.recording.raw import CaptureRecord, KernelRecord
from lab.recording.recording import Sample
from lab.recording.saved import SavedSnapshot, SavedTrace

FILED: Final[Mapping[type, tuple[str, str | bytes]]] = types.MappingProxyType(
    {
        SavedSnapshot: ("text", ""),
        Sample: ("text", ""),
        CaptureRecord: ("content", b""),
        KernelRecord: ("content", b""),
        SavedTrace: ("text", ""),
    },
)
"""The field of each record that is kept in a file of its own, and what stands there until that is read."""

_BITS: Final = 128
"""Of the largest integer: no clock and no counter of a kernel has as many, and beyond 1024 none becomes a float."""

Fill = Callable[[Any], Any]
"""Completes a decoded record, whose fields are all of the right type, with what stands in its file."""


class FieldError(EvidenceError):
    """A field that is missing, unknown or of the wrong type; `params` hold its path, such as `snapshots[2].host`."""


def encode(value: object) -> Any:  # noqa: ANN401 - a JSON value
    """Return a record as a JSON value, its fields in the order in which they are declared."""
    if isinstance(value, Mapping):
        return {str(name): encode(inner) for name, inner in value.items()}
    kind: Any = type(value)
    if names := fields_of(kind):
        return {name: encode(getattr(value, name)) for name in names}
    return [encode(inner) for inner in value] if isinstance(value, tuple) else value


def decode(kind: Any, value: Any, fill: Fill, path: str = "") -> Any:  # noqa: ANN401 - as its annotations
    """Return a JSON value as `kind`; FieldError, which names the field's path, when it is none."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is types.UnionType:
        inner = next(argument for argument in arguments if argument is not types.NoneType)
        return None if value is None else decode(inner, value, fill, path)
    if origin is tuple:
        items = checked(list, value, path)
        return tuple(decode(arguments[0], item, fill, f"{path}[{n}]") for n, item in enumerate(items))
    if origin is Mapping:
        members = checked(dict, value, path)
        return {name: decode(arguments[1], member, fill, f"{path}.{name}") for name, member in members.items()}
    return _record(kind, value, fill, path) if fields_of(kind) else checked(kind, value, path)


def _record(kind: Any, value: Any, fill: Fill, path: str) -> Any:  # noqa: ANN401 - as its annotations
    members = checked(dict, value, path)
    hints = fields_of(kind)
    for name in hints:
        if name not in members:
            raise FieldError("evidence-field-missing", path=_join(path, name))
    for name in members:
        if name not in hints:
            raise FieldError("evidence-field-unknown", path=_join(path, name))
    read = {name: decode(hint, members[name], fill, _join(path, name)) for name, hint in hints.items()}
    if kind in FILED:
        name, empty = FILED[kind]
        read[name] = empty
    return fill(kind(**read))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def checked(kind: type, value: Any, path: str) -> Any:  # noqa: ANN401 - a JSON value
    """Return the value; FieldError when it is not of that JSON type."""
    # Not isinstance: a bool is an int to Python.
    found = float if type(value) is int and value.bit_length() > _BITS else type(value)
    if found is not kind:
        raise FieldError("evidence-field-type", path=path, expected=_json_name(kind), found=_json_name(found))
    return value


def _json_name(kind: type) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "boolean", int: "integer", float: "number"}
    return names.get(kind, "null")


@functools.cache
def fields_of(kind: Any) -> Mapping[str, Any]:  # noqa: ANN401 - a class
    """Return a record's fields and their types, without the one in a file of its own; none for what is no record."""
    if not isinstance(kind, type) or not (dataclasses.is_dataclass(kind) or hasattr(kind, "_fields")):
        return {}
    hints = typing.get_type_hints(kind)
    names = kind._fields if hasattr(kind, "_fields") else [field.name for field in dataclasses.fields(kind)]
    filed, _ = FILED.get(kind, ("", ""))
    return {name: hints[name] for name in names if name != filed}
