"""The settings of a process as they may be shown: names and values, never a secret."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import SecretStr

from services.platform.settings import Settings, secret_folders

SettingSource = Literal["default", "environment", "file", "program"]
"""Where a value comes from. `file`: of systemd's credentials or a container's secrets; `program`:
the command that started the process, such as the address of the embedded PostgreSQL."""

KEY_FILE = re.compile(r"_private_key_file$")
USER_INFO = re.compile(r"(?<=://)[^/@\s]*@")
"""Name and password in a URL."""


@dataclass(frozen=True, slots=True)
class SettingInForce:
    """A setting of this process."""

    name: str
    """Of the environment variable."""
    value: str | None
    """None if it is not set, or secret."""
    is_secret: bool
    """Whether the value is never shown."""
    is_set: bool
    source: SettingSource
    description: str


def list_settings(
    settings: Settings,
    environment: Mapping[str, str] | None = None,
    folders: Sequence[str] | None = None,
) -> list[SettingInForce]:
    """Return the settings in their order in the program; values of secrets are left out.

    Secret is what the program keeps as `SecretStr`, alone or inside a collection, and where private
    keys lie. `environment` and `folders` of secrets default to those of the process.
    """
    given = {name.upper() for name in (os.environ if environment is None else environment)}
    files = {
        file.name.upper()
        for folder in (secret_folders() if folders is None else folders)
        for file in Path(folder).iterdir()
    }
    shown: list[SettingInForce] = []
    for field, description in Settings.model_fields.items():
        name = f"EMALL_{field.upper()}"
        value = getattr(settings, field)
        is_secret = _holds_secrets(description.annotation) or KEY_FILE.search(field) is not None
        source: SettingSource = "default"
        if field in settings.model_fields_set:
            source = "environment" if name in given else "file" if name in files else "program"
        shown.append(
            SettingInForce(
                name,
                None if is_secret or value is None else USER_INFO.sub("…@", _written(value)),
                is_secret,
                value is not None,
                source,
                description.description or "",
            )
        )
    return shown


def _holds_secrets(annotation: object) -> bool:
    """Return whether a type is `SecretStr`, or has it somewhere inside."""
    return annotation is SecretStr or any(map(_holds_secrets, get_args(annotation)))


def _written(value: Any) -> str:
    """Return a value about as it is written in the environment."""
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dict):
        return ", ".join(f"{key}: {each}" for key, each in sorted(value.items()))
    if isinstance(value, frozenset):
        return ", ".join(map(str, sorted(value)))
    return str(value)
