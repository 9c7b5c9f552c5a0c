"""Fixtures of the tests of the shared kernel."""

from collections.abc import Callable

import pytest


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """Provide what was written to standard error."""
    return lambda: capsys.readouterr().err
