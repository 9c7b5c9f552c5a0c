"""An answer that a decoder under a file's control might write.

In a module of its own, since the process that reads a file imports it: the tests import so much
that their import alone may take longer than a call may.
"""

import os
from pathlib import Path
from typing import Any


class Hostile:
    """An answer that calls a function when it is unpickled."""

    def __init__(self, function: str) -> None:
        self.function = function

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return {"os.remove": os.remove, "eval": eval, "Path": Path}[self.function], ("exit 3",)
