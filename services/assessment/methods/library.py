"""The methods of this hub: every file in `methods/`."""

from functools import cache
from pathlib import Path

from pydantic import RootModel

from services.assessment.methods.definition import (
    CollaborationMethod,
    LevelsMethod,
    Method,
    SatisfactionMethod,
)
from services.platform.packs import PackError, parse, read_yaml
from services.platform.settings import ROOT

METHODS = ROOT / "methods"

AnyMethod = CollaborationMethod | LevelsMethod | SatisfactionMethod


class MethodFile(RootModel[Method]):
    """`methods/<id>.yaml`"""


def read_method(file: Path) -> AnyMethod:
    """Read a method; `PackError` names file, line and field of each issue."""
    located = read_yaml(file, file.parent)
    method = parse(located, MethodFile).root
    if method.id != file.stem:
        raise PackError([located.issue(("id",), f"must be {file.stem!r}, as the file is named")])
    return method


@cache
def read_methods(folder: Path = METHODS) -> dict[str, AnyMethod]:
    """Return all methods by id."""
    methods = [read_method(file) for file in sorted(folder.glob("*.yaml"))]
    return {method.id: method for method in methods}
