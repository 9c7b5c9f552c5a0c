"""The messages of OSS RBA: their shape is data, kept in one file per version of the guide.

Pure: no network, no database.
"""

import hashlib
import hmac
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

VERSION = "4.3.22"
MOST_FAULTS = 20

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
    """One message: its root key, the root key of its answer, its fields with type and length."""

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
    """The messages as this version of the guide has them."""
    file = Path(__file__).parent / f"pia-{version}.json"
    return Guide.model_validate_json(file.read_bytes())


def validate_message(message: str, body: object) -> list[str]:
    """What is wrong with a message, each fault naming its field; none where it is right.

    Fields that the guide does not know are passed over: it had 22 revisions in six years.
    """
    shape = guide().messages[message]
    content = body.get(shape.root) if isinstance(body, dict) else None
    if not isinstance(content, dict):
        return [f"{shape.root}: must be there, an object"]
    faults = [
        f"{shape.root}.{name}: must be there" for name in shape.required if not content.get(name)
    ]
    for fault in _faults_in(content, "", shape):
        if len(faults) >= MOST_FAULTS:
            break
        faults.append(f"{shape.root}.{fault}")
    return faults


def _faults_in(content: Mapping[str, Any], path: str, shape: MessageSchema) -> Iterator[str]:
    for name, value in content.items():
        place = f"{path}{name}"
        known = shape.fields.get(place)
        if known is None or value is None or value == "":
            continue
        kind, most = known
        if kind == "object[]":
            yield from _faults_of_list(value, place, shape)
        elif kind == "object":
            if isinstance(value, dict):
                yield from _faults_in(value, f"{place}.", shape)
            else:
                yield f"{place}: must be an object"
        else:
            fault = _fault_of_value(value, name, kind=kind, most=most)
            if fault is not None:
                yield f"{place}: {fault}"


def _faults_of_list(value: Any, place: str, shape: MessageSchema) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{place}: must be a list"
        return
    for item in value:
        if isinstance(item, dict):
            yield from _faults_in(item, f"{place}.", shape)
        else:
            yield f"{place}: must be a list of objects"


def _fault_of_value(value: Any, name: str, *, kind: str, most: str | None) -> str | None:
    if kind == "number":
        return _fault_of_number(value, most)
    if kind == "boolean":
        return None if isinstance(value, bool) else "must be true or false"
    if not isinstance(value, str):
        return "must be a string"
    # An amount of money may be a string with the length of a number: `20.0`.
    longest = None if most is None else int(most.partition(".")[0])
    if longest is not None and len(value) > longest:
        return f"may have {longest} characters, has {len(value)}"
    return _fault_of_code(value, name)


def _fault_of_code(value: str, name: str) -> str | None:
    table = guide().code_fields.get(name)
    if table is not None and value not in guide().codes[table]:
        return f"{value!r} is no code of {table}"
    pattern = guide().patterns.get(name)
    if pattern is not None and re.fullmatch(pattern, value) is None:
        return f"must have the form {pattern}"
    return None


def _fault_of_number(value: Any, most: str | None) -> str | None:
    """Numbers come as numbers or as strings of digits; `20.2` is 20 digits and 2 decimals."""
    shown = str(value)
    if isinstance(value, bool) or re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", shown, re.I) is None:
        return "must be a number"
    digits = int((most or "30").partition(".")[0])
    whole = shown.lstrip("-").partition(".")[0]
    return f"may have {digits} digits" if len(whole) > digits else None


def is_json(content: object) -> bool:
    """Whether JSON can carry it on: Python also reads NaN, half a surrogate, and what is deep."""
    try:
        json.dumps(content, allow_nan=False, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return False
    return True


def nib_of(message: str, body: object) -> str:
    """The NIB of a message; empty where there is none."""
    content = body.get(guide().messages[message].root) if isinstance(body, dict) else None
    nib = content.get("nib") if isinstance(content, dict) else None
    return nib if isinstance(nib, str) else ""


def compute_token(username: str, password: str, nib: str, day: date) -> str:
    """The header `Token` of a message from OSS: SHA-1 of user, password, NIB and day."""
    text = f"{username}{password}{nib}{day:%Y%m%d}"
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def is_valid_token(
    given: str, *, username: str, password: str, nib: str, days: Sequence[date]
) -> bool:
    """Whether a token is that of one of these days; the time it takes tells nothing."""
    right = False
    for day in days:
        expected = compute_token(username, password, nib, day)
        right |= hmac.compare_digest(expected.encode(), given.strip().lower().encode())
    return right
