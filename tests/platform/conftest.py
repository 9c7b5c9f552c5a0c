"""Fixtures of the tests of the shared kernel."""

import logging
from collections.abc import Callable, Iterator

import pytest
import structlog


@pytest.fixture
def stderr(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Provide what was written to standard error, and restore the logging configuration."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.get_config()
    yield lambda: capsys.readouterr().err
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)
