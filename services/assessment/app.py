"""Application factory of the assessment service."""

from collections.abc import AsyncGenerator, Hashable
from contextlib import asynccontextmanager
from pathlib import Path
from uuid import UUID

from fastapi import FastAPI

from services.assessment.assessments.analysis import MAX_ANALYSES
from services.assessment.assessments.analysis import router as analysis
from services.assessment.assessments.current_scores import CurrentScores
from services.assessment.assessments.draft_routes import router as assessment_drafts
from services.assessment.assessments.routes import MAX_ASSESSMENTS
from services.assessment.assessments.routes import router as assessments
from services.assessment.assessments.schemas import Assessment, Levers, Trend
from services.assessment.assessments.trend import MAX_TRENDS
from services.assessment.assessments.trend import router as trend
from services.assessment.bundles.import_routes import router as collected_bundles
from services.assessment.bundles.publishers import router as publishers
from services.assessment.bundles.routes import router as bundles
from services.assessment.calculation_routes import router as calculation
from services.assessment.comparison.routes import router as comparison
from services.assessment.evidence.attachment_routes import router as evidence_attachments
from services.assessment.evidence.cache import EvidenceCache
from services.assessment.evidence.confirmation_routes import router as evidence_confirmations
from services.assessment.evidence.confirmation_rules import confirmation_rules
from services.assessment.evidence.exchange_routes import router as evidence_files
from services.assessment.evidence.meeting_calendar_routes import router as meeting_calendars
from services.assessment.evidence.proposal_routes import router as evidence_proposals
from services.assessment.evidence.routes import router as evidence
from services.assessment.evidence.vocabularies import packaged_vocabulary
from services.assessment.evidence.write_routes import router as evidence_writes
from services.assessment.index_level_routes import router as index_levels
from services.assessment.index_routes import router as indices
from services.assessment.index_schemas import IndexItem
from services.assessment.method_routes import router as methods
from services.assessment.methods.library import read_methods
from services.assessment.network.analysis import NetworkAnalyser
from services.assessment.network.routes import router as network
from services.assessment.reports.routes import ReportRenderer
from services.assessment.reports.routes import router as reports
from services.assessment.scenarios.effect_routes import router as scenario_effects
from services.assessment.scenarios.routes import router as scenarios
from services.assessment.scoring.results import Sensitivity
from services.assessment.service_reports import ReportClient, Transports
from services.platform.recent_results import RecentResults
from services.platform.service import create_service_app
from services.platform.settings import Service, Settings

EXAMPLES = Path(__file__).with_name("examples.json")


def create_app(settings: Settings, transports: Transports | None = None) -> FastAPI:
    """Return the assessment service as an application.

    `transports` reach the catalog and feedback services if they run in the same process.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        # Invalid data fails at startup, not at a request.
        read_methods()
        confirmation_rules()
        packaged_vocabulary()
        yield
        await app.state.report_client.close()
        await app.state.database.close()

    app = create_service_app(
        Service.assessment,
        settings,
        title="emall assessment",
        routers=[
            evidence,
            evidence_writes,
            evidence_confirmations,
            evidence_proposals,
            evidence_attachments,
            evidence_files,
            meeting_calendars,
            methods,
            calculation,
            indices,
            index_levels,
            assessment_drafts,  # before `assessments`, whose addresses would take it for an id
            assessments,
            analysis,
            trend,
            bundles,
            reports,
            collected_bundles,
            publishers,
            comparison,
            network,
            scenarios,
            scenario_effects,
        ],
        lifespan=lifespan,
        examples=EXAMPLES,
    )
    app.state.report_client = ReportClient(settings, transports)
    app.state.current_scores = CurrentScores()
    app.state.known_indices = EvidenceCache[list[IndexItem]]()
    app.state.known_assessments = RecentResults[tuple[UUID, str], Assessment](MAX_ASSESSMENTS)
    app.state.known_trends = RecentResults[Hashable, Trend](MAX_TRENDS)
    app.state.network_analyser = NetworkAnalyser()
    app.state.report_renderer = ReportRenderer()
    app.state.known_sensitivities = RecentResults[UUID, Sensitivity](MAX_ANALYSES)
    app.state.known_levers = RecentResults[UUID, Levers](MAX_ANALYSES)
    return app
