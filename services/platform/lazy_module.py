"""Modules that are imported when something of them is first used, or not at all."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from importlib import import_module
from typing import Any


@contextmanager
def without_module(name: str) -> Generator[None]:
    """Let imports of an optional module fail in this block, as if it were not installed.

    For a library that would import a large one for what the hub does not use. A module that is
    imported already stays.
    """
    if name in sys.modules:
        yield
        return
    sys.modules[name] = None  # type: ignore[assignment]  # pyright: ignore[reportArgumentType]
    try:
        yield
    finally:
        del sys.modules[name]


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
