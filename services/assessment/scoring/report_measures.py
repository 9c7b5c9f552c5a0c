"""Measures of what the hub reports itself: statistics, comments, usage and the catalogue."""

from dataclasses import replace

from services.assessment.methods import measure_definitions as m
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.assessment.scoring.measurement import (
    SHARE,
    Measurement,
    MeasureResult,
    Missing,
    exact,
)
from services.assessment.scoring.registers import declarations_of
from services.assessment.scoring.reports import (
    CatalogReport,
    CommentReport,
    ReportingReport,
    UsageReport,
)
from services.assessment.scoring.uncertainty import uniform_between


def _reporting(facts: Facts) -> tuple[Item, ReportingReport] | Missing:
    found = facts.report(ReportingReport, "reporting")
    if found is None:
        return Missing(facts.missing.get("feedback", "no statistics are expected"))
    if found[1].expected == 0:
        return Missing("no monthly report was due in the year")
    if facts.registers == "assumed" and not any(a.received for a in found[1].agencies):
        return Missing("no agency has posted statistics of this year")
    return found


def evaluate_reported(_: m.Reported, facts: Facts) -> MeasureResult:
    found = _reporting(facts)
    if isinstance(found, Missing):
        return found
    item, report = found
    if facts.registers == "declared":
        return _declared_reports(
            facts, item, hits=report.on_time, flagged=report.on_time_flagged, n=report.expected
        )
    return _flagged_share(
        item,
        hits=report.on_time,
        flagged=report.on_time_flagged,
        n=report.expected,
        what="reported",
        late=report.late,
    )


def evaluate_agencies_reporting(_: m.AgenciesReporting, facts: Facts) -> MeasureResult:
    found = _reporting(facts)
    if isinstance(found, Missing):
        return found
    item, report = found
    agencies = report.agencies
    hits = sum(agency.received > 0 for agency in agencies)
    flagged = sum(0 < agency.received == agency.flagged for agency in agencies)
    if facts.registers == "declared":
        return _declared_reports(facts, item, hits=hits, flagged=flagged, n=len(agencies))
    return _flagged_share(
        item, hits=hits, flagged=flagged, n=len(agencies), what="agencies reporting"
    )


def _declared_reports(
    facts: Facts, item: Item, *, hits: int, flagged: int, n: int
) -> MeasureResult:
    """Return a share of reports of which those that were not sent count once duties were notified.

    Without a declaration that agencies were told of their duties nothing is known of a report that
    is not there. So a first report, or a late one, never lowers a score. Flags lower what is proven
    and nothing else.
    """
    proven = (hits - flagged) / n
    declared = declarations_of("reporting", facts)
    if declared is None:
        return Missing(
            "notices of the duty to report are not declared complete for the year", (proven, 1.0)
        )
    return exact(
        hits / n,
        [item, *declared],
        (proven, hits / n),
        numerator=hits,
        n=n,
        doubted=flagged,
    )


def _flagged_share(
    item: Item, *, hits: int, flagged: int, n: int, what: str, **inputs: float
) -> Measurement:
    """Return a share that agencies report about themselves.

    Flags widen the interval and leave the value: from none of the flagged reports counting to all.
    """
    if not flagged:
        return replace(exact(hits / n, [item]), inputs={"numerator": hits, "n": n, **inputs})
    low, high = (hits - flagged) / n, hits / n
    # The name of the stream and of the input are part of stored results and cannot change.
    return Measurement(
        value=high,
        draw=uniform_between(low, high, f"doubts {what}"),
        evidence=[item],
        inputs={"numerator": hits, "n": n, "doubted": flagged, **inputs},
        low=low,
        high=high,
        interval="range",
    )


def evaluate_comments_in_time(_: m.CommentsInTime, facts: Facts) -> MeasureResult:
    found = facts.report(CommentReport, "comments")
    if found is None:
        return Missing(facts.missing.get("feedback", "there is no report about comments"))
    item, report = found
    n = sum(group.n for group in report.items)
    if n == 0:
        return Missing("no comment of the year is settled and in the published figures")
    hits = sum(group.in_time for group in report.items)
    return exact(hits / n, [item], numerator=hits, n=n)


def evaluate_usage_share(definition: m.UsageShare, facts: Facts) -> MeasureResult:
    found = facts.report(UsageReport, "channel")
    if found is None:
        return Missing(facts.missing.get("feedback", "there is no usage report"))
    item, usage = found
    cells = [cell for cell in usage.items if cell.measure == definition.counter]
    total = sum(cell.value for cell in cells)
    if total == 0:
        return Missing(f"no agency has posted {definition.counter} of this year")
    hits = sum(cell.value for cell in cells if cell.channel == definition.channel)
    share = hits / total
    bounds = (share, share) if _all_reports_arrived(facts) else SHARE
    return exact(share, [item], bounds, numerator=hits, n=total)


def _all_reports_arrived(facts: Facts) -> bool:
    """Return whether every expected monthly report is there, without a doubt about one."""
    found = facts.report(ReportingReport, "reporting")
    if found is None or declarations_of("reporting", facts) is None:
        return False
    return found[1].received == found[1].expected and not found[1].flagged


def evaluate_catalog_share(definition: m.CatalogShare, facts: Facts) -> MeasureResult:
    found = facts.report(CatalogReport, "summary")
    if found is None:
        return Missing(facts.missing.get("catalog", "there is no catalogue"))
    item, summary = found
    if summary.precedes_the_catalogue:
        return Missing("at the end of the year the catalogue had no version yet")
    if definition.of == "standard":
        if summary.standard_share is None:
            return Missing("the catalogue has no service")
        return exact(summary.standard_share, [item], services=summary.services)
    return _digital_in_operation(definition, item, summary)


def _digital_in_operation(
    definition: m.CatalogShare, item: Item, summary: CatalogReport
) -> MeasureResult:
    hits, n = summary.digital_in_operation, summary.digital_services
    if definition.of == "own_digital_in_operation":
        hits, n = summary.own_digital_in_operation, summary.own_digital_services
    if hits is None or n is None:
        return Missing("the catalogue does not tell portals of national bodies apart")
    if n == 0:
        return Missing("the catalogue has no digital service")
    return exact(hits / n, [item], numerator=hits, n=n)
