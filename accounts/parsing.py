"""Bodies in JSON, as the API takes them."""

import codecs
import json
from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser, get_encoding  # type: ignore[attr-defined]


class BodyParser(JSONParser):
    """A JSON object in which no name is given twice: readers differ on which of the two counts, so that neither should."""

    def parse(
        self, stream: IO[Any], media_type: str | None = None, parser_context: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """What the body holds. Raises `ParseError` (400) in one sentence: no JSON, no object, or nested without an end."""
        text = codecs.getreader(get_encoding(parser_context or {}))(stream)
        try:
            parsed: Any = json.load(text, parse_constant=_no_number, object_pairs_hook=_each_once)
        except json.JSONDecodeError as problem:
            where = f"line {problem.lineno}, column {problem.colno}"
            raise ParseError(f"The body is no JSON: {problem.msg} at {where}.") from problem
        except ValueError as problem:  # bytes that are no text, a number of thousands of digits, NaN
            raise ParseError("The body is no JSON; check its numbers and its encoding.") from problem
        except RecursionError as problem:
            raise ParseError("The body is nested too deeply.") from problem
        if not isinstance(parsed, dict):
            raise ParseError("The body is no JSON object; send one, between { and }.")
        return parsed


def _no_number(constant: str) -> None:
    raise ValueError(constant)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise ParseError(f"{name[:60]!r} is given twice; give it once.")
        found[name] = value
    return found
