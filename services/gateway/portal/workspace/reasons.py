"""Why something was refused that a form sent, in the words of the form."""

from collections.abc import Mapping, Sequence

import httpx

from services.gateway.portal.workspace.access import NOT_STORED, Workspace
from services.platform.problems import FieldError, ProblemError
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_, Message

MOST_REASONS = 5
"""Faulty fields that are told; whoever corrects them sees the others."""
SENT_BEFORE = N_(
    "Formulir ini sudah tersimpan dengan isi lain. Buka formulirnya lagi untuk mencatat yang baru."
)


def reasons_of(
    workspace: Workspace,
    error: RequestRejectedError | ProblemError,
    labels: Mapping[str, Message] | None = None,
) -> str:
    """Return why a request was refused, in the page's language.

    `labels` are the form's names of fields by the first part of their JSON pointer; a field
    without one is told by its reason only.
    """
    messages = workspace.page.messages
    detail, errors = _refusal(workspace, error)
    if any(each.parameter == "Idempotency-Key" for each in errors):
        return messages.translate(SENT_BEFORE)
    reasons: list[str] = []
    for each in errors[:MOST_REASONS]:
        label = (labels or {}).get((each.pointer or "").removeprefix("#/").split("/")[0])
        reasons.append(f"{messages.translate(label)}: {each.detail}" if label else each.detail)
    return "; ".join(reasons) or detail or messages.translate(NOT_STORED)


def _refusal(
    workspace: Workspace, error: RequestRejectedError | ProblemError
) -> tuple[str | None, Sequence[FieldError]]:
    if isinstance(error, ProblemError):
        language = workspace.page.language
        return error.detail_in(language), [each.in_language(language) for each in error.errors]
    try:
        return error.problem.detail, error.problem.errors
    except httpx.DecodingError:  # a proxy's answer
        return None, ()
