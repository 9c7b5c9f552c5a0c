"""What the pages of services share: a service with its draft, and who may do what."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Path
from pydantic import StringConstraints

from services.catalog.client import Content, Service, ServiceDetail, ServiceDraft, service_content
from services.gateway.portal.workspace.access import Enter, RefusedError, Workspace
from services.platform.translation import N_, NC_, Message
from services.platform.types import SLUG_PATTERN

SERVICES = "/kelola/layanan"

Editor = Annotated[Workspace, Depends(Enter("editor", "approver", "lead"))]
Writer = Annotated[Workspace, Depends(Enter("editor", "lead"))]
Reviewer = Annotated[Workspace, Depends(Enter("approver", "editor", "lead"))]
Slug = Annotated[str, StringConstraints(pattern=SLUG_PATTERN, max_length=80), Path()]

STATES: Mapping[str, Message] = {
    "draft": NC_("service draft", "Konsep"),
    "in_review": NC_("service draft", "Menunggu pemeriksaan"),
    "refused": NC_("service draft", "Dikembalikan"),
}
NOT_YOURS = N_("Layanan ini milik instansi lain. Hanya instansinya yang dapat mengubahnya.")


@dataclass(frozen=True)
class Found:
    """A service as it is published, as its open draft has it, or both."""

    published: ServiceDetail | None
    published_tag: str | None
    """The entity tag of what is published; None if nothing is."""
    draft: ServiceDraft | None
    tag: str | None
    """The entity tag of the draft; None without one."""

    @property
    def service(self) -> Service:
        """The service as the draft has it, or as it is published without one."""
        if self.draft is not None:
            return self.draft.service
        if self.published is None:
            raise ValueError("neither published nor drafted")
        return self.published.service

    @property
    def content(self) -> Content:
        """The service as it would be edited."""
        return service_content(self.service)

    @property
    def agency(self) -> str:
        """The agency that gives the service."""
        return self.service.agency

    @property
    def is_overtaken(self) -> bool:
        """Whether others have published since the draft began."""
        draft = self.draft
        return draft is not None and draft.base_version != draft.published_version


async def find_service(workspace: Workspace, slug: str) -> Found | None:
    """Return a service of the agency; None if there is none.

    Raises:
        RefusedError: The service is of another agency.
    """
    published, published_tag = await workspace.catalog.find_tagged_service(slug) or (None, None)
    if published is not None and not workspace.caller.can_write_for(published.service.agency):
        raise RefusedError(NOT_YOURS)
    drafted = await workspace.catalog.find_draft(slug)
    if published is None and drafted is None:
        return None
    draft, tag = drafted or (None, None)
    return Found(published, published_tag, draft, tag)
