"""Models of what is measured of a network, which need nothing that computes it."""

from typing import Literal

from pydantic import Field

from services.assessment.scoring.scores import ScoreModel

Through = Literal["meetings", "agreements", "programmes", "reported"]
THROUGH: tuple[Through, ...] = ("meetings", "agreements", "programmes", "reported")
"""Kinds of events that tie stakeholders."""


class CorePeriphery(ScoreModel):
    """The best-fitting division into a fully tied core and an untied periphery."""

    core: int = Field(description="Stakeholders in the core.")
    fit: float = Field(description="Share of pairs within core and periphery that are as ideal.")


class TwoMode(ScoreModel):
    """The network of stakeholders and events before its projection."""

    events: int = Field(description="Meetings, agreements and programmes that name who took part.")
    participations: int = Field(description="Number of pairs of a stakeholder and an event.")
    density: float | None = Field(description="Participations over all that were possible.")


class NetworkMeasures(ScoreModel):
    """Measures of a network as a whole."""

    stakeholders: int
    ties: int
    density: float | None = Field(description="Ties over pairs: 2m / n(n - 1).")
    mean_degree: float | None = Field(
        description="Mean number of ties of a stakeholder; null without stakeholders."
    )
    degree_centralisation: float | None = Field(
        description="Freeman (1979): 0 if all have the same degree, 1 in a star."
    )
    betweenness_centralisation: float | None = Field(
        description="Freeman (1979): 0 if all are equally between others, 1 in a star."
    )
    transitivity: float | None = Field(description="Share of paths of two ties that are closed.")
    components: int = Field(description="Connected components, isolates included.")
    largest_component: float | None = Field(
        description="Share of stakeholders in the largest component."
    )
    isolates: int = Field(description="Stakeholders without a tie.")
    brokers: int = Field(
        description="Stakeholders whose removal would split a component, or who are on a tenth or "
        "more of the shortest paths between others."
    )
    highest_core: int = Field(
        description="The largest k of a k-core: a group each tied to k of it (Seidman 1983)."
    )
    highest_core_size: int = Field(description="Number of stakeholders in the innermost core.")
    core_periphery: CorePeriphery | None = Field(
        description="How far the network has a core and a periphery; null if it is too small."
    )
    cross_sector_share: float | None = Field(description="Share of ties between two sectors.")
    ei_index: float | None = Field(
        description="Krackhardt and Stern (1988): (external - internal) / ties, from -1 to 1."
    )
    ei_expected: float | None = Field(
        description="The E-I index of ties laid at random over the same sectors."
    )
    two_mode: TwoMode = Field(description="The network before its projection on stakeholders.")


class ConfidenceInterval(ScoreModel):
    """A 95% interval, by resampling."""

    low: float
    high: float


class MeasureDifference(ScoreModel):
    """A measure in both years."""

    measure: str = Field(description="Name of the measure of the network.")
    before: float | None
    after: float | None
    difference: float | None


class NetworkChange(ScoreModel):
    """Change of a network since another year."""

    joined: int = Field(description="Stakeholders that are new.")
    left: int = Field(description="Number of stakeholders that are no longer in the network.")
    ties_kept: int = Field(description="Number of ties in both years.")
    ties_new: int = Field(description="Number of ties of the later year alone.")
    ties_lost: int = Field(description="Number of ties of the earlier year alone.")
    stability: float | None = Field(
        description="Ties of both years over ties of either (Jaccard); null if neither has one."
    )
    density_interval: ConfidenceInterval | None = Field(
        description="95% interval of the difference of densities (bootstrap over stakeholders); "
        "if it contains 0, the change may be due to which stakeholders were recorded."
    )
    differences: list[MeasureDifference] = Field(
        description="Measures of the network in both years."
    )
