"""The methods of this hub: every file in `methods/`."""

from functools import cache
from pathlib import Path

from services.assessment.methods.definition import METHOD, AnyMethod
from services.platform.packs import PackError, ParsedFile, read_yaml, validate
from services.platform.settings import ROOT

METHODS = ROOT / "methods"


def read_method(file: Path) -> AnyMethod:
    """Read a method; `PackError` names file, line and field of each issue."""
    return parse_method(read_yaml(file, file.parent))


def parse_method(located: ParsedFile) -> AnyMethod:
    """Return the method of a file; `PackError` names line and field of each issue."""
    method = validate(located, METHOD.validate_python)
    name = Path(located.file).stem
    if method.id != name:
        raise PackError([located.issue(("id",), f"must be {name!r}, as the file is named")])
    return method


@cache
def read_methods(folder: Path = METHODS) -> dict[str, AnyMethod]:
    """Return all methods by id."""
    methods = [read_method(file) for file in sorted(folder.glob("*.yaml"))]
    return {method.id: method for method in methods}
