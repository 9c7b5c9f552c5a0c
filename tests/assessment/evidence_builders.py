"""Builders of facts: what an assessment of 2024 reads."""

from datetime import date
from pathlib import Path
from typing import Any

from services.assessment.evidence.records import EVIDENCE, Evidence
from services.assessment.pack import read_evidence
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item
from services.platform.settings import ROOT

TOBA = ROOT / "packs" / "toba"
PERIOD = 2024


def record(kind: str, key: str, /, **content: Any) -> Item:
    """Return a record of evidence, checked as the API would check it."""
    model = EVIDENCE[kind].model_validate({"key": key, "sources": ["a-source"], **content})
    return item(kind, model)


def item(kind: str, model: Evidence, *, version: int = 1) -> Item:
    return Item(
        kind=kind,
        key=model.key,
        version=version,
        href=f"/api/v1/{kind}/{model.key}?version={version}",
        content=model.model_dump(mode="json"),
    )


def stakeholder(key: str, sector: str = "government", **more: Any) -> Item:
    about = {"valid_from": date(2022, 1, 1), "name": key, "name_en": key} | more
    return record("stakeholders", key, sector=sector, **about)


def meeting(key: str, held_on: date = date(2024, 5, 2), **more: Any) -> Item:
    return record("meetings", key, name=key, name_en=key, held_on=held_on, **more)


def agreement(key: str, parties: list[str], **more: Any) -> Item:
    lasting = {"valid_from": date(2023, 1, 1), "partner_sector": "private"} | more
    return record(
        "agreements", key, name=key, name_en=key, parties=parties, scope="anything", **lasting
    )


def observation(key: str, subject: str, **more: Any) -> Item:
    lasting = {"attested_in": PERIOD, "unit": "share"} | more
    return record("observations", key, subject=subject, name=key, name_en=key, **lasting)


def index_value(year: int, value: float, *, role: str = "published") -> Item:
    return record(
        "index-values", f"{role}-{year}", index="spbe-2020", year=year, value=value, role=role
    )


def report(kind: str, key: str, content: dict[str, Any]) -> Item:
    return Item(kind=kind, key=key, href=f"/api/v1/{kind}", content=content)


def survey(key: str, answered: int, questions: dict[str, dict[str, int]], **more: Any) -> Item:
    """Results of a survey: for each question how many chose each option."""
    asked = [
        {
            "code": code,
            "answered": answered,
            "options": [{"code": option, "count": count} for option, count in options.items()],
        }
        for code, options in questions.items()
    ]
    content: dict[str, Any] = {"n": answered, "suppressed": False, "questions": asked}
    return report("survey", key, content | more)


def stated_ties(
    stated: dict[str, list[str]], *, invited: int, survey: str = "stakeholders"
) -> Item:
    """Ties that stakeholders reported: for each who answered, whom it names."""
    content = {
        "round": "2024",
        "invited": invited,
        "answered": len(stated),
        "reporters": sorted(stated),
        "ties": [{"reporter": a, "partner": b} for a, named in stated.items() for b in named],
    }
    return report("ties", survey, content)


def facts(*items: Item, **missing: str) -> Facts:
    return Facts(period=PERIOD, items=list(items), missing=missing)


def toba_items(root: Path = TOBA) -> list[Item]:
    """Return the evidence of the Toba pack."""
    records = read_evidence(root).records
    return [item(kind, model) for kind, models in records.items() for model in models]
