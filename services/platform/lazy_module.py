"""Modules that are imported when something of them is first used."""

from importlib import import_module
from typing import Any


class LazyModule:
    """Stands for a module until an attribute of it is read; then it is imported.

    For large libraries that few requests need: a service starts faster and uses less memory
    without them. For type checkers, import the module itself under `TYPE_CHECKING`.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        """Return an attribute of the module, which is found without this method from then on."""
        value = getattr(import_module(self._name), attribute)
        setattr(self, attribute, value)
        return value
