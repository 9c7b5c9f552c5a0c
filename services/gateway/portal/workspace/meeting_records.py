"""What the pages of meetings share: a meeting as it is shown, its labels, and who records it."""

from collections.abc import Mapping
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Path

from services.gateway.portal.workspace.access import Enter, Workspace
from services.gateway.portal.workspace.evidence.stored_records import author_name, file_size
from services.gateway.portal.workspace.evidence.vocabulary import STATES
from services.gateway.portal.workspace.meeting_form import KINDS
from services.platform.translation import N_

MEETINGS = "/kelola/rapat"

Recorder = Annotated[Workspace, Depends(Enter("editor", "lead", "evaluator"))]
MeetingId = Annotated[UUID, Path()]

CHANGED = N_("Catatan ini berubah sesudah Anda membukanya. Baca yang terbaru, lalu ulangi.")
NOT_YOURS = N_("Hanya instansi yang mencatat rapat ini yang dapat mengubahnya.")


def labels(workspace: Workspace, agencies: Mapping[str, str]) -> dict[str, Any]:
    messages = workspace.page.messages

    return {
        "kinds": messages.labels(KINDS),
        "states": messages.labels(STATES),
        "day": messages.long_date,
        "author": author_name(workspace, agencies),
        "file_size": file_size(messages),
    }
