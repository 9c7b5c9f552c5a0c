"""Facts of regencies that do not exist: everything that an assessment can read, in full."""

import random
from typing import Any

from services.assessment.evidence.records import EVIDENCE
from services.assessment.scoring.batch import Case
from services.assessment.scoring.inputs import Facts
from services.assessment.scoring.items import Item

SECTORS = ("government", "private", "community")
AGENCIES = 14


def synthetic_facts(case: Case) -> Facts:
    """Return a year of a regency: some forty records and the reports of the other services."""
    rng = random.Random(f"{case.region}/{case.period}")
    year = case.period
    keys = [f"stakeholder-{n}" for n in range(12)]
    since = {"valid_from": f"{year - 2}-01-01"}
    items = [
        _record(
            "stakeholders",
            key,
            sector=SECTORS[n % 3],
            role_decision="decree" if rng.random() < 0.7 else None,
            leading=n < 3,
            filled=rng.random() < 0.9 if n < 3 else None,
            **since,
        )
        for n, key in enumerate(keys)
    ]
    items += [_meeting(rng, year, month, keys) for month in (3, 6, 9)]
    items += [
        _record(
            "agreements",
            f"agreement-{n}",
            parties=rng.sample(keys, 2),
            partner_sector=rng.choice(SECTORS),
            scope="x",
            **since,
        )
        for n in range(rng.randint(1, 4))
    ]
    items += [
        _record(
            "decisions",
            "decree",
            number="1",
            instruments=rng.sample(["team", "smart_city_management", "e_mall", "risk"], 2),
            procedures=["complaint"],
            names_lead_agency=True,
            **since,
        ),
        _record("risks", "risk", mitigation_under_way=rng.random() < 0.5, **since),
        _record("programmes", "training", kind="training", held=rng.random() < 0.5, **since),
        _record("recognitions", "award", given_by="x", given_on=f"{year}-05-01"),
        _index_value(year - 1, 1.7 + rng.random() / 5),
        _index_value(year, 2 + rng.random()),
        _index_value(year + 2, 3.5, role="target"),
    ]
    items += [_observation(rng, year, subject) for subject in OBSERVED]
    items += [
        _count(year, "areas_without_coverage", rng.randint(0, 60)),
        _count(year, "villages", 240),
    ]
    items += _reports(rng)
    # What version 2 reads besides is drawn last: the digits of version 1 are written down.
    items += [_observation(rng, year, subject) for subject in OBSERVED_LATER]
    return Facts(period=year, items=items)


OBSERVED = (
    "agencies_taking_part",
    "partners_taking_part",
    "programmes_running",
    "leadership_continuity",
    "agencies_with_budget",
    "staff_trained",
    "comments_answered_in_time",
)
OBSERVED_LATER = ("handovers_by_rule", "agencies_with_plan")


def _record(kind: str, key: str, /, **content: Any) -> Item:
    names = {} if kind in {"observations", "index-values"} else {"name": key, "name_en": key}
    model = EVIDENCE[kind].model_validate({"key": key, "sources": ["x"], **names, **content})
    return Item(
        kind=kind,
        key=key,
        version=1,
        href=f"/api/v1/{kind}/{key}",
        content=model.model_dump(mode="json"),
    )


def _meeting(rng: random.Random, year: int, month: int, keys: list[str]) -> Item:
    return _record(
        "meetings",
        f"meeting-{month}",
        kind="forum",
        held_on=f"{year}-{month:02}-10",
        problem_statement="x",
        minutes=True,
        discussion=rng.random() < 0.8,
        led_by=keys[0],
        attendance=[
            {
                "stakeholder": key,
                "invited": True,
                "present": rng.random() < 0.7,
                "spoke": rng.random() < 0.4,
            }
            for key in keys
        ],
        action_items=[{"task": "x", "due": f"{year}-12-01", "done": rng.random() < 0.5}],
    )


def _observation(rng: random.Random, year: int, subject: str) -> Item:
    low = rng.random() * 0.7
    return _record(
        "observations",
        subject.replace("_", "-"),
        subject=subject,
        name=subject,
        name_en=subject,
        unit="share",
        low=low,
        high=low + 0.25,
        attested_in=year,
    )


def _count(year: int, subject: str, value: int) -> Item:
    return _record(
        "observations",
        subject.replace("_", "-"),
        subject=subject,
        name=subject,
        name_en=subject,
        unit="count",
        value=value,
        attested_in=year,
    )


def _index_value(year: int, value: float, *, role: str = "published") -> Item:
    return _record(
        "index-values", f"{role}-{year}", index="spbe-2020", year=year, value=value, role=role
    )


def _report(kind: str, key: str, content: dict[str, Any]) -> Item:
    return Item(kind=kind, key=key, href=f"/api/v1/{kind}", content=content)


def _question(rng: random.Random, code: str, options: tuple[str, ...], n: int) -> dict[str, Any]:
    chosen = rng.choices(options, k=n)
    counts = [{"code": option, "count": chosen.count(option)} for option in options]
    return {"code": code, "answered": n, "options": counts}


def _reports(rng: random.Random) -> list[Item]:
    n = rng.randint(40, 200)
    levels = ("1", "2", "3", "4")
    awareness = [
        _question(rng, "knows_portals", ("website", "simbg", "oss", "none"), n),
        _question(rng, "knows_service_online", ("yes", "no"), n),
    ]
    reported = [_question(rng, code, levels, n) for code in ("T1", "T2", "T3", "P1", "P2", "P3")]
    legitimacy = [{**one, "code": f"L{n}"} for n, one in enumerate(reported[:3], start=1)]
    ikm = 60 + 30 * rng.random()
    agencies = [{"on_time": rng.randint(0, 12), "late": 0} for _ in range(AGENCIES)]
    on_time = sum(agency["on_time"] for agency in agencies)
    usage = [
        {"measure": "submitted", "channel": channel, "value": rng.randint(10, 5000)}
        for channel in ("online", "counter")
    ]
    survey = {"n": n, "suppressed": False}
    return [
        _report("survey", "awareness", survey | {"questions": awareness}),
        _report("survey", "awareness drawn enumerated quota", survey | {"questions": awareness}),
        _report("survey", "stakeholders", survey | {"questions": [*reported, *legitimacy]}),
        _report(
            "survey",
            "skm",
            survey
            | {"questions": [], "satisfaction": {"ikm": ikm, "low": ikm - 2, "high": ikm + 2}},
        ),
        _report(
            "reporting",
            "reporting",
            {"on_time": on_time, "late": 0, "expected": 12 * AGENCIES, "agencies": agencies},
        ),
        _report("comments", "comments", {"items": [{"n": n, "in_time": n // 2}]}),
        _report("usage", "channel", {"items": usage}),
        _report(
            "catalog",
            "summary",
            {
                "services": 50,
                "standard_share": rng.random(),
                "digital_services": 10,
                "own_digital_services": 8,
                "own_digital_in_operation": 6,
                "digital_in_operation": rng.randint(4, 10),
            },
        ),
    ]
