"""All pages of the workspace."""

from services.gateway.portal.workspace.account import router as account
from services.gateway.portal.workspace.announcements.announcement_form import (
    router as announcement_form,
)
from services.gateway.portal.workspace.announcements.announcements import router as announcements
from services.gateway.portal.workspace.attendance import router as attendance
from services.gateway.portal.workspace.audit import router as audit
from services.gateway.portal.workspace.cases import router as cases
from services.gateway.portal.workspace.catalog.demand import router as demand
from services.gateway.portal.workspace.catalog.imports import router as imports
from services.gateway.portal.workspace.catalog.records import router as records
from services.gateway.portal.workspace.catalog.service_form import router as service_form
from services.gateway.portal.workspace.catalog.services import router as services
from services.gateway.portal.workspace.desk import router as desk
from services.gateway.portal.workspace.evidence.confirming import router as evidence_confirming
from services.gateway.portal.workspace.evidence.exports import router as evidence_exports
from services.gateway.portal.workspace.evidence.lists import router as evidence_lists
from services.gateway.portal.workspace.evidence.pages import router as evidence_pages
from services.gateway.portal.workspace.evidence.recording import router as evidence_recording
from services.gateway.portal.workspace.evidence.workbook import router as evidence_workbook
from services.gateway.portal.workspace.handovers import router as handovers
from services.gateway.portal.workspace.index_workbook import router as index_workbook
from services.gateway.portal.workspace.invitation import router as invitation
from services.gateway.portal.workspace.keys import router as keys
from services.gateway.portal.workspace.links.links import router as links
from services.gateway.portal.workspace.links.notices import router as notices
from services.gateway.portal.workspace.measurement import router as measurement
from services.gateway.portal.workspace.meeting_plans import router as meeting_plans
from services.gateway.portal.workspace.meeting_recording import router as meeting_recording
from services.gateway.portal.workspace.meetings import router as meetings
from services.gateway.portal.workspace.months import router as months
from services.gateway.portal.workspace.oidc import router as oidc
from services.gateway.portal.workspace.passkeys import router as passkeys
from services.gateway.portal.workspace.people import router as people
from services.gateway.portal.workspace.reporting import router as reporting
from services.gateway.portal.workspace.sign_in import router as sign_in
from services.gateway.portal.workspace.survey_follow_up import router as survey_follow_up
from services.gateway.portal.workspace.survey_rounds import router as survey_rounds
from services.gateway.portal.workspace.surveys import router as surveys
from services.gateway.portal.workspace.system import router as system
from services.gateway.portal.workspace.system_files import router as system_files
from services.gateway.portal.workspace.webhooks import router as webhooks

WORKSPACE_ROUTERS = (
    sign_in,
    oidc,
    invitation,
    desk,
    cases,
    account,
    passkeys,
    handovers,  # before `people`, whose addresses would take `serah-terima` for an id
    people,
    keys,
    audit,
    webhooks,
    system,
    system_files,
    meeting_plans,
    attendance,
    meeting_recording,  # before `meetings`, whose addresses would take `baru` for an id
    meetings,
    evidence_lists,
    evidence_exports,
    evidence_confirming,  # before `evidence_pages`, whose addresses would take a kind for an id
    evidence_workbook,
    evidence_recording,  # the same
    evidence_pages,
    months,
    reporting,
    service_form,  # before `services`, whose addresses would take `baru` for a name
    services,
    records,
    demand,
    imports,
    links,
    notices,
    announcement_form,  # before `announcements`, whose addresses would take `baru` for an id
    announcements,
    surveys,
    survey_rounds,
    survey_follow_up,
    measurement,
    index_workbook,
)
