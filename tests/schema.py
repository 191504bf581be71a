"""Documents against their JSON schemas, with nothing but the standard library."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, Final

TYPES: Final[Mapping[str, tuple[type, ...]]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
KNOWN = {
    "$schema", "$id", "$defs", "$ref", "title", "type", "properties", "required", "additionalProperties", "items",
    "enum", "const", "anyOf", "pattern", "minimum", "minLength",
}  # fmt: skip


def violations(  # noqa: C901, PLR0912
    value: Any, schema: Mapping[str, Any], at: str = "$", root: Mapping[str, Any] | None = None
) -> Iterator[str]:
    """Say where a value breaks a schema; knows the part of JSON Schema 2020-12 that the lab's schemas use."""
    root = schema if root is None else root
    assert set(schema) <= KNOWN, f"{at}: this validator does not know {set(schema) - KNOWN}"
    if "$ref" in schema:
        yield from violations(value, root["$defs"][schema["$ref"].removeprefix("#/$defs/")], at, root)
        return
    if "anyOf" in schema and all(list(violations(value, option, at, root)) for option in schema["anyOf"]):
        yield f"{at}: fits none of anyOf"
    if "const" in schema and value != schema["const"]:
        yield f"{at}: {value!r} is not {schema['const']!r}"
    if "enum" in schema and value not in schema["enum"]:
        yield f"{at}: {value!r} is not one of {schema['enum']}"
    names = schema.get("type", [])
    types = tuple(chain.from_iterable(TYPES[name] for name in ([names] if isinstance(names, str) else names)))
    if types and (not isinstance(value, types) or (isinstance(value, bool) and bool not in types)):
        yield f"{at}: {value!r} is no {names}"
        return
    if isinstance(value, str) and not re.search(schema.get("pattern", ""), value):
        yield f"{at}: {value!r} does not match"
    if isinstance(value, str) and len(value) < schema.get("minLength", 0):
        yield f"{at}: too short"
    if isinstance(value, int | float) and value < schema.get("minimum", value):
        yield f"{at}: {value} is too small"
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from violations(item, schema["items"], f"{at}[{index}]", root)
    if isinstance(value, dict):
        yield from (f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value)
        for name, item in value.items():
            inner = schema.get("properties", {}).get(name, schema.get("additionalProperties", True))
            if inner is False:
                yield f"{at}: {name} is not allowed"
            elif isinstance(inner, dict):
                yield from violations(item, inner, f"{at}.{name}", root)
