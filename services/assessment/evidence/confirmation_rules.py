"""Rules of confirmation as data: who records and who confirms each kind of evidence."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from services.assessment.evidence.records import EVIDENCE, Evidence
from services.assessment.evidence.references import references_of
from services.assessment.methods.library import METHODS
from services.assessment.types import Code
from services.platform.packs import PackModel, Source, SourceKind, parse, read_yaml

CONFIRMATION = METHODS / "evidence" / "confirmation.yaml"


class KindRule(PackModel):
    """Who records and who confirms a kind of evidence."""

    record: Literal["any_agency", "lead_agency", "administrator"] = "any_agency"
    confirm: Literal["other_agency", "lead_agency", "administrator"] = Field(
        "other_agency",
        description="Never the organisation that recorded the version, nor one that it favours.",
    )
    document: bool = Field(
        False, description="Whether a record over the API must have the document that shows it."
    )
    favours: list[Code] = Field(
        default_factory=list[Code],
        description="Fields that name an organisation which the record speaks well of.",
    )


class ConfirmationRules(PackModel):
    """`methods/evidence/confirmation.yaml`"""

    confirming_sources: list[SourceKind] = Field(
        description="Kinds of publication that confirm a record of the pack which cites them."
    )
    kinds: dict[str, KindRule]

    @model_validator(mode="after")
    def _rules_fit_the_kinds(self) -> "ConfirmationRules":
        if self.kinds.keys() != EVIDENCE.keys():
            raise ValueError(f"kinds must be exactly {', '.join(EVIDENCE)}")
        for kind, rule in self.kinds.items():
            unknown = set(rule.favours) - EVIDENCE[kind].model_fields.keys()
            if unknown:
                raise ValueError(f"{kind} has no field {', '.join(sorted(unknown))}")
        return self

    def is_confirmed_by_source(self, record: Evidence, sources: dict[str, Source]) -> bool:
        """Return whether a record of a pack cites a publication that confirms it."""
        return any(sources[cited].kind in self.confirming_sources for cited in record.sources)


@cache
def confirmation_rules(file: Path = CONFIRMATION) -> ConfirmationRules:
    """Return the rules; `PackError` names file, line and field of each issue."""
    return parse(read_yaml(file, file.parent), ConfirmationRules)


def agencies_of_stakeholders(
    stakeholders: Iterable[tuple[str, Mapping[str, object]]],
) -> dict[str, str]:
    """Return the agency of each stakeholder that belongs to one, by the stakeholder's key."""
    named = ((key, content.get("agency")) for key, content in stakeholders)
    return {key: agency for key, agency in named if isinstance(agency, str)}


def favoured_agencies(kind: str, record: Evidence, agencies: Mapping[str, str]) -> set[str]:
    """Return the agencies that a record speaks well of, by the fields that its rule names."""
    fields = confirmation_rules().kinds[kind].favours
    named = [one for one in references_of(record) if one.path[0] in fields]
    found = {one.key for one in named if one.target == "agency"}
    return found | {agencies[one.key] for one in named if one.key in agencies}


def is_self_reported(
    kind: str, content: Mapping[str, object] | None, recorded_by: str, agencies: Mapping[str, str]
) -> bool:
    """Return whether an agency says something about itself.

    A record that favours no agency by name speaks of the government as a whole, and so of the
    agency that recorded it.
    """
    if recorded_by == "pack" or content is None:
        return False
    favoured = favoured_agencies(kind, EVIDENCE[kind].model_validate(content), agencies)
    return not favoured or recorded_by in favoured
