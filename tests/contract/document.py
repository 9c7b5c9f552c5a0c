"""The unified document as it is before anything runs, so that tests can be named by operation."""

import copy
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from services.assessment.app import create_app as create_assessment
from services.catalog.app import create_app as create_catalog
from services.feedback.app import create_app as create_feedback
from services.gateway.api_docs.openapi import merge
from services.gateway.app import create_app as create_gateway
from services.platform.settings import Settings


@cache
def unified_document_at_rest() -> dict[str, Any]:
    """Return the document of the whole hub, made without a database and without a request.

    Five modules name their tests by it, and making it takes two seconds: it is not to be changed.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))  # pyright: ignore[reportCallIssue]
        return merge(
            {
                "gateway": create_gateway(settings).openapi(),
                "catalog": create_catalog(settings).openapi(),
                "feedback": create_feedback(settings).openapi(),
                "assessment": create_assessment(settings).openapi(),
            }
        )


@cache
def document_of_known_statuses() -> dict[str, Any]:
    """Return the document without its `default` responses, which would excuse any status."""
    document = copy.deepcopy(unified_document_at_rest())
    for operations in document["paths"].values():
        for operation in operations.values():
            del operation["responses"]["default"]
    return document
