"""The messages of OSS RBA; their schema is data, in one file per version of the guide (PIA).

Pure: no network, no database.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta, timezone
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

VERSION = "4.3.22"
MAX_ERRORS = 20
OSS_ZONE = timezone(timedelta(hours=7), "WIB")
"""Zone of the day in a token: OSS runs in Jakarta, whatever the zone of the region."""

Inbound = Literal[
    "receiveNIB", "receiveNIBSTPW", "receiveFileDS", "receiveNIBKKPR", "receiveNIBPSE"
]
Outbound = Literal[
    "checkNIB",
    "inqueryNIB",
    "checkLicenseStatus",
    "receiveLicenseStatus",
    "receiveLicense",
    "getDataReferensi",
]


class MessageSchema(BaseModel):
    """Schema of one message: root keys of message and answer, fields with type and length."""

    model_config = ConfigDict(frozen=True)

    direction: Literal["in", "out"]
    root: str
    answer: str
    required: tuple[str, ...]
    fields: Mapping[str, tuple[str, str | None]]


class Guide(BaseModel):
    """A version of the guide."""

    model_config = ConfigDict(frozen=True)

    version: str
    source: str
    note: str
    corrections: Mapping[str, str]
    codes: Mapping[str, Mapping[str, str]]
    code_fields: Mapping[str, str]
    patterns: Mapping[str, str]
    clock: Mapping[str, tuple[str, ...]]
    messages: Mapping[str, MessageSchema]


@cache
def guide(version: str = VERSION) -> Guide:
    """Return the messages of this version of the guide."""
    file = Path(__file__).parent / f"pia-{version}.json"
    return Guide.model_validate_json(file.read_bytes())


def validate_message(message: str, body: object) -> list[str]:
    """Return the errors of a message, each beginning with its field; none if it is valid.

    Fields that the guide does not define are ignored: it had 22 revisions in six years.
    """
    schema = guide().messages[message]
    content = body.get(schema.root) if isinstance(body, dict) else None
    if not isinstance(content, dict):
        return [f"{schema.root}: is required and must be an object"]
    errors = [
        f"{schema.root}.{name}: is required" for name in schema.required if not content.get(name)
    ]
    for error in _field_errors(content, "", schema):
        if len(errors) >= MAX_ERRORS:
            break
        errors.append(f"{schema.root}.{error}")
    return errors


def _field_errors(content: Mapping[str, Any], prefix: str, schema: MessageSchema) -> Iterator[str]:
    for name, value in content.items():
        path = f"{prefix}{name}"
        field = schema.fields.get(path)
        if field is None or value is None or value == "":
            continue
        kind, max_length = field
        if kind == "object[]":
            yield from _list_errors(value, path, schema)
        elif kind == "object":
            if isinstance(value, dict):
                yield from _field_errors(value, f"{path}.", schema)
            else:
                yield f"{path}: must be an object"
        else:
            error = _value_error(value, name, kind=kind, max_length=max_length)
            if error is not None:
                yield f"{path}: {error}"


def _list_errors(value: Any, path: str, schema: MessageSchema) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: must be a list"
        return
    for item in value:
        if isinstance(item, dict):
            yield from _field_errors(item, f"{path}.", schema)
        else:
            yield f"{path}: must be a list of objects"


def _value_error(value: Any, name: str, *, kind: str, max_length: str | None) -> str | None:
    if kind == "number":
        return _number_error(value, max_length)
    if kind == "boolean":
        return None if isinstance(value, bool) else "must be true or false"
    if not isinstance(value, str):
        return "must be a string"
    # An amount of money may be a string with the length of a number: `20.0`.
    longest = None if max_length is None else int(max_length.partition(".")[0])
    if longest is not None and len(value) > longest:
        return f"may have {longest} characters, has {len(value)}"
    return _code_error(value, name)


def _code_error(value: str, name: str) -> str | None:
    table = guide().code_fields.get(name)
    if table is not None and value not in guide().codes[table]:
        return f"{value!r} is not a code of {table}"
    pattern = guide().patterns.get(name)
    if pattern is not None and re.fullmatch(pattern, value) is None:
        return f"must have the form {pattern}"
    return None


def _number_error(value: Any, max_length: str | None) -> str | None:
    """Return the error of a number, given as a number or a string.

    A maximum of `20.2` is 20 digits and 2 decimals.
    """
    shown = str(value)
    if isinstance(value, bool) or re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", shown, re.I) is None:
        return "must be a number"
    digits = int((max_length or "30").partition(".")[0])
    whole = shown.lstrip("-").partition(".")[0]
    return f"may have {digits} digits" if len(whole) > digits else None


def is_json(content: object) -> bool:
    """Return whether a value is valid JSON: Python also reads NaN and lone surrogates."""
    try:
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def nib_of(message: str, body: object) -> str:
    """Return the NIB of a message; empty if there is none."""
    content = body.get(guide().messages[message].root) if isinstance(body, dict) else None
    nib = content.get("nib") if isinstance(content, dict) else None
    return nib if isinstance(nib, str) else ""


def compute_token(username: str, password: str, nib: str, day: date) -> str:
    """Return the header `Token` of a message from OSS: SHA-1 of user, password, NIB and day."""
    text = f"{username}{password}{nib}{day:%Y%m%d}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def is_valid_token(
    token: str, *, username: str, password: str, nib: str, days: Sequence[date]
) -> bool:
    """Return whether a token is that of one of these days, in constant time."""
    is_valid = False
    for day in days:
        expected = compute_token(username, password, nib, day)
        is_valid |= hmac.compare_digest(expected.encode(), token.strip().lower().encode())
    return is_valid
