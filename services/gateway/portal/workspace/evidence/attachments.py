"""Files attached to evidence, as pages list, take and delete them."""

import re
from collections.abc import Sequence
from typing import Annotated
from uuid import UUID

import httpx
from fastapi import Path
from fastapi.responses import Response
from starlette.datastructures import UploadFile

from services.assessment.client import MAX_ATTACHMENT_BYTES, Evidence
from services.gateway.portal.workspace.access import NOT_STORED, RefusedError, Workspace
from services.gateway.portal.workspace.evidence.found_records import NOT_YOURS
from services.platform.service_client import RequestRejectedError
from services.platform.translation import N_

FIELD = "lampiran"
"""The input for files, in every form that takes some."""

FileHash = Annotated[str, Path(max_length=64)]

NO_FILE = N_("Pilih berkas yang dilampirkan.")
TOO_LARGE = N_("%(name)s: paling besar 6 MB; perkecil, atau pecah menjadi beberapa berkas.")
REFUSED = N_("%(name)s: %(reason)s")

_UNWANTED = re.compile(r'[\x00-\x1f\x7f-\x9f"/\\]+')
_MAX_NAME = 100
_HEADERS = (
    "Content-Type",
    "Content-Disposition",
    "Content-Security-Policy",
    "X-Content-Type-Options",
)


async def chosen_files(workspace: Workspace) -> Sequence[UploadFile]:
    """Return the files that were chosen in a form."""
    form = await workspace.page.request.form()
    chosen = (each for each in form.getlist(FIELD) if isinstance(each, UploadFile))
    return [each for each in chosen if each.filename]


async def attach_files(
    workspace: Workspace, model: type[Evidence], id: UUID, files: Sequence[UploadFile]
) -> str | None:
    """Attach files to a record; return why some of them were not, in the reader's language.

    Raises `RefusedError` if another agency keeps the record.
    """
    messages = workspace.page.messages
    refused: list[str] = []
    for file in files:
        name = _UNWANTED.sub(" ", file.filename or "").strip()[-_MAX_NAME:]
        content = await file.read(MAX_ATTACHMENT_BYTES + 1)
        if len(content) > MAX_ATTACHMENT_BYTES:
            refused.append(messages.translate(TOO_LARGE, name=name))
            continue
        try:
            await workspace.assessment.attach_file(model, id, content, name=name or None)
        except RequestRejectedError as error:
            _check_owner(error)
            reason = error.errors[0].detail if error.errors else error.problem.detail
            refused.append(messages.translate(REFUSED, name=name, reason=reason or error.status))
        except httpx.HTTPError:
            refused.append(
                messages.translate(REFUSED, name=name, reason=messages.translate(NOT_STORED))
            )
    return " ".join(refused) or None


async def download(workspace: Workspace, model: type[Evidence], id: UUID, sha256: str) -> Response:
    """Return a file of a record, only to be saved."""
    try:
        answer = await workspace.assessment.find_attachment(model, id, sha256)
    except httpx.HTTPError:
        return workspace.page.unavailable()
    if answer is None:
        return workspace.page.not_found()
    headers = {name: answer.headers[name] for name in _HEADERS}
    return Response(answer.content, headers=headers | {"Cache-Control": "no-store"})


async def delete_file(
    workspace: Workspace, model: type[Evidence], id: UUID, sha256: str
) -> str | None:
    """Delete a file of a record; return why it was not, in the reader's language.

    Raises `RefusedError` if another agency keeps the record.
    """
    try:
        await workspace.assessment.delete_attachment(model, id, sha256)
    except RequestRejectedError as error:
        _check_owner(error)
        return None if error.status == 404 else error.problem.detail or str(error.status)
    except httpx.HTTPError:
        return workspace.page.messages.translate(NOT_STORED)
    return None


def _check_owner(error: RequestRejectedError) -> None:
    """Refuse who may not change the record."""
    if error.status == 403:
        raise RefusedError(NOT_YOURS)
