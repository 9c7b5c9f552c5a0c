"""Kinds of evidence about collaboration, as packs define them and the API returns them.

What was not recorded is null, which differs from "no": a meeting without `led_by` does not state
who led it.
"""

import math
from typing import Annotated, Any, Literal, Self, cast

from pydantic import Field, StrictBool, model_validator

from services.assessment.types import Code, Register, Sector, Unit
from services.platform.packs import PackModel
from services.platform.translation import N_
from services.platform.types import HttpsUrl, IsoDate, Sha256, ShortText, Slug, StrictNumber, Text
from services.platform.validation_messages import InvalidValueError

Precision = Literal["day", "month", "year"]
CalendarYear = Annotated[int, Field(ge=1945, le=2099), StrictNumber]


class EvidenceDocument(PackModel):
    """A file that proves a record, at its address, with the hash of what was read there."""

    name: ShortText = Field(description="Title of the file.")
    url: HttpsUrl
    sha256: Sha256


class Evidence(PackModel):
    """Base of every kind: a key unique within its kind, and the cited sources."""

    key: Slug
    sources: list[Slug] = Field(min_length=1, max_length=100)
    passage: Text | None = Field(
        None, description="Where it stands in its sources: page, table, question or sentence."
    )
    note: Text | None = None
    document: EvidenceDocument | None = Field(
        None, description="The decree, the minutes or the photograph that shows it."
    )
    absent_fields: list[Code] = Field(
        default_factory=list[Code],
        max_length=50,
        description="Fields of which a source states that there is nothing: recorded as absent. An "
        "empty field that is not named here is not recorded.",
    )

    @model_validator(mode="after")
    def _absent_fields_are_empty(self) -> Self:
        for name in self.absent_fields:
            if name in Evidence.model_fields or name not in type(self).model_fields:
                raise InvalidValueError(
                    N_("absent_fields: %(name)s bukan isian catatan ini"), name=name
                )
            if getattr(self, name) not in (None, False, []):
                raise InvalidValueError(N_("absent_fields: %(name)s sudah berisi"), name=name)
        return self


class TemporalEvidence(Evidence):
    """Evidence with a validity period, or with a year in which it was attested as valid."""

    valid_from: IsoDate | None = Field(None, description="First day; null if unknown.")
    valid_to: IsoDate | None = Field(None, description="Last day; null if no end is known.")
    precision: Precision = Field("day", description="How exactly the dates are known.")
    attested_in: CalendarYear | None = Field(
        None, description="A year in which a source attests it, if no first day is known."
    )

    @model_validator(mode="after")
    def _has_valid_dates(self) -> Self:
        if self.valid_from is None and self.attested_in is None:
            raise InvalidValueError(N_("isi valid_from atau attested_in"))
        if self.valid_from and self.valid_to and self.valid_to < self.valid_from:
            raise InvalidValueError(N_("valid_to tidak boleh sebelum valid_from"))
        return self


class Stakeholder(TemporalEvidence):
    """A post, office, company or community that takes part in the collaboration."""

    name: ShortText
    name_en: ShortText
    sector: Sector
    agency: Slug | None = Field(
        None, description="Agency that the stakeholder belongs to; null if to none."
    )
    role: ShortText | None = Field(None, description="Its role in the team or forum.")
    role_decision: Slug | None = Field(
        None, description="Key of the decision that defines the role; null if none does."
    )
    leading: StrictBool = Field(False, description="Whether it is a leading post of the team.")
    filled: StrictBool | None = Field(None, description="Whether a leading post has a holder.")


class StoredFile(PackModel):
    """A file stored elsewhere, identified by its hash."""

    name: ShortText = Field(description="Title of the file.")
    sha256: Sha256
    url: HttpsUrl | None = Field(
        None, description="Address of the file on the web; null if it is not there."
    )


class Attendance(PackModel):
    """One stakeholder's attendance of a meeting."""

    stakeholder: Slug = Field(description="Key of the stakeholder.")
    invited: StrictBool | None = Field(
        None, description="Whether the stakeholder was invited; null if not known."
    )
    present: StrictBool = Field(description="Whether the stakeholder was there.")
    spoke: StrictBool | None = Field(
        None, description="Whether the stakeholder spoke; null if not known."
    )


class ActionItem(PackModel):
    """A task that a meeting decided on."""

    task: Text = Field(description="What is to be done, in words.")
    owner: Slug | None = Field(None, description="Key of the stakeholder responsible for it.")
    due: IsoDate = Field(description="Calendar day by which it is to be done.")
    done: StrictBool | None = Field(None, description="Whether it is done; null if not known.")
    outcome: Text | None = None


MeetingKind = Literal["forum", "coordination", "team", "desk", "training", "outreach"]


class Meeting(Evidence):
    """A meeting: of the forum, of agencies, of the team, at a desk, or for training or outreach."""

    name: ShortText
    name_en: ShortText
    kind: MeetingKind | None = Field(None, description="Null if it is not known.")
    held_on: IsoDate = Field(description="Calendar day of the meeting.")
    precision: Precision = "day"
    place: ShortText | None = None
    agenda: list[ShortText] | None = Field(None, max_length=1000)
    problem_statement: Text | None = None
    minutes: StrictBool | None = Field(None, description="Whether minutes exist.")
    minutes_file: StoredFile | None = Field(None, description="The file of the minutes.")
    discussion: StrictBool | None = Field(None, description="Whether a discussion is on record.")
    led_by: Slug | None = Field(None, description="Key of the stakeholder who led it.")
    sectors_present: list[Sector] | None = Field(
        None,
        max_length=10,
        description="Sectors that attended, even if no attendee is recorded by name.",
    )
    attendance: list[Attendance] | None = Field(
        None, max_length=1000, description="Who was invited and who came; null if not known."
    )
    decisions: list[Text] | None = Field(
        None, max_length=200, description="What the meeting decided, in words; null if not known."
    )
    action_items: list[ActionItem] | None = Field(None, max_length=1000)


class Agreement(TemporalEvidence):
    """A memorandum or other agreement."""

    name: ShortText
    name_en: ShortText
    parties: list[Slug] = Field(min_length=2, max_length=500, description="Keys of stakeholders.")
    partner_sector: Sector = Field(description="Sector of the party beside the government.")
    scope: Text = Field(description="What the parties agreed on, in words.")
    signed_on: IsoDate | None = Field(
        None, description="Calendar day on which it was signed; null if not known."
    )
    renewed: StrictBool | None = Field(None, description="Whether it was renewed when it ended.")
    renews: Slug | None = Field(None, description="Key of the agreement that it continues.")


class Decision(TemporalEvidence):
    """A decree or regulation and what it establishes."""

    name: ShortText
    name_en: ShortText
    number: ShortText = Field(description="Number of the decree or regulation, as printed.")
    subject: Text | None = Field(
        None, description="What it is about, in words; null if the name says it."
    )
    requires: list[Text] | None = Field(
        None, max_length=200, description="Obligations that it imposes."
    )
    instruments: list[Code] = Field(
        default_factory=list[Code],
        max_length=50,
        description="Instruments of collaboration that it establishes.",
    )
    procedures: list[Code] = Field(
        default_factory=list[Code], max_length=50, description="Procedures that it establishes."
    )
    names_lead_agency: StrictBool = Field(False, description="Whether it names a lead agency.")
    lead_reports_to_head: StrictBool = Field(
        False, description="Whether the lead agency reports to the head of the regency."
    )


class Programme(TemporalEvidence):
    """A programme of the smart city, or an outreach event or training."""

    name: ShortText
    name_en: ShortText
    dimension: ShortText | None = Field(
        None, description="Dimension of the smart city; null of an event."
    )
    kind: Literal["programme", "outreach", "training"] = Field(
        "programme", description="Whether it is a programme, an outreach event or a training."
    )
    owner: Slug | None = Field(None, description="Key of the stakeholder who runs it.")
    partners: list[Slug] = Field(
        default_factory=list[Slug],
        max_length=500,
        description="Keys of the stakeholders that take part.",
    )
    plan: Text | None = None
    budget_idr: Annotated[int, Field(ge=0, le=10**15), StrictNumber] | None = Field(
        None, description="Rupiah over its whole duration."
    )
    staff: Annotated[int, Field(ge=0, le=1_000_000), StrictNumber] | None = Field(
        None, description="Number of people assigned to it; null if not known."
    )
    running: StrictBool | None = Field(
        None, description="Whether it is running; null if not known."
    )
    held: StrictBool | None = Field(
        None, description="Whether a planned outreach or training was held."
    )


class Risk(TemporalEvidence):
    """A risk on the register."""

    name: ShortText
    name_en: ShortText
    likelihood: Annotated[int, Field(ge=1, le=5), StrictNumber] | None = None
    impact: Annotated[int, Field(ge=1, le=5), StrictNumber] | None = None
    mitigation: Text | None = None
    mitigation_under_way: StrictBool | None = None
    owner: Slug | None = Field(None, description="Key of the stakeholder responsible for it.")
    review_on: IsoDate | None = Field(None, description="Day of its next review.")


class Recognition(Evidence):
    """An award or other recognition from outside."""

    name: ShortText
    name_en: ShortText
    given_by: ShortText = Field(description="Who gave it.")
    given_on: IsoDate = Field(description="Calendar day on which it was given.")
    precision: Precision = "day"


class Observation(TemporalEvidence):
    """A sourced figure, exact or a range as stated by the source; or a statement without one."""

    subject: Code = Field(description="What was observed; methods refer to it.")
    name: ShortText
    name_en: ShortText
    unit: Unit | None = Field(
        None,
        description="Unit of the figure, `share`, `level`, `count` or a code of UCUM; null for a "
        "statement without one.",
    )
    statement: Text | None = Field(
        None, description="What the source says in words; alone if it states no figure."
    )
    value: Annotated[float, StrictNumber] | None = Field(
        None, description="Value in the unit of its subject; null if the source states none."
    )
    low: Annotated[float, StrictNumber] | None = Field(
        None, description="Lowest value by a source that states a range; null otherwise."
    )
    high: Annotated[float, StrictNumber] | None = Field(
        None, description="Highest value by a source that states a range; null otherwise."
    )
    numerator: Annotated[float, Field(ge=0), StrictNumber] | None = Field(
        None, description="Of a figure that is one count over another: the first one."
    )
    denominator: Annotated[float, Field(gt=0), StrictNumber] | None = Field(
        None, description="The count that the numerator is divided by."
    )
    per: Annotated[float, Field(gt=0), StrictNumber] = Field(
        1, description="1000 if the figure is for each thousand of the denominator."
    )
    numerator_of: ShortText | None = Field(None, description="What the numerator counts.")
    denominator_of: ShortText | None = Field(None, description="What the denominator counts.")
    known_absence: StrictBool = Field(
        False, description="The source states that there is none: an observed value of 0."
    )

    @model_validator(mode="before")
    @classmethod
    def _value_of_quotient(cls, record: Any) -> Any:
        """Add the value of a figure that is given by numerator and denominator."""
        if not isinstance(record, dict):
            return record
        given = cast("dict[str, Any]", record)
        parts: list[Any] = [given.get("numerator"), given.get("denominator"), given.get("per", 1)]
        if given.get("value") is not None or not all(
            isinstance(one, int | float) and not isinstance(one, bool) for one in parts
        ):
            return given
        try:
            over, under, per = map(float, parts)
            return given | {"value": over / under * per}
        except (OverflowError, ZeroDivisionError):
            return given  # the fields' own limits refuse such a number

    @model_validator(mode="after")
    def _is_its_quotient(self) -> Self:
        if (self.numerator is None) != (self.denominator is None):
            raise InvalidValueError(N_("hasil bagi memerlukan numerator dan denominator"))
        if self.numerator is None or self.denominator is None:
            if self.per != 1:
                raise InvalidValueError(N_("per hanya untuk hasil bagi numerator dan denominator"))
            return self
        value = self.numerator / self.denominator * self.per
        if self.value is None or not math.isclose(self.value, value, rel_tol=1e-9):
            raise InvalidValueError(
                N_("value harus sama dengan numerator / denominator x per, yaitu %(value)s"),
                value=f"{value:g}",
            )
        return self

    @model_validator(mode="after")
    def _exact_or_range(self) -> Self:
        exact, ranged = self.value is not None, self.low is not None or self.high is not None
        if not exact and not ranged and self.statement is not None:
            if self.unit is not None:
                raise InvalidValueError(N_("pernyataan tanpa angka tidak memiliki unit"))
            if self.known_absence:
                raise InvalidValueError(N_("known_absence berarti nilainya 0"))
            return self
        if self.unit is None:
            raise InvalidValueError(N_("angka memerlukan unit"))
        if exact == ranged:
            raise InvalidValueError(N_("isi value saja, atau low dan high, atau statement saja"))
        if ranged and (self.low is None or self.high is None or self.low > self.high):
            raise InvalidValueError(
                N_("rentang memerlukan low dan high, dan low tidak lebih besar dari high")
            )
        if self.known_absence and self.value != 0:
            raise InvalidValueError(N_("known_absence berarti nilainya 0"))
        if self.unit in {"share", "level"} and not 0 <= self.bounds[0] <= self.bounds[1] <= 1:
            raise InvalidValueError(N_("%(unit)s harus antara 0 dan 1"), unit=self.unit)
        if self.unit == "count" and self.bounds[0] < 0:
            raise InvalidValueError(N_("jumlah tidak boleh kurang dari 0"))
        return self

    @property
    def has_figure(self) -> bool:
        """Whether it states a figure, and not only words."""
        return self.value is not None or self.low is not None

    @property
    def bounds(self) -> tuple[float, float]:
        """Both ends of the range; twice the value if it is exact."""
        low = self.value if self.low is None else self.low
        high = self.value if self.high is None else self.high
        return low or 0.0, high or 0.0


class IndexValue(Evidence):
    """A published value of an index, as printed; or a target of a plan."""

    index: Slug = Field(description="Index as in `methods/`.")
    year: CalendarYear | None = Field(
        None, description="Only a national minimum may be without one."
    )
    value: Annotated[float, Field(ge=0), StrictNumber] = Field(
        description="Value as printed, on the scale of the index."
    )
    role: Literal["published", "target", "national_minimum"] = "published"
    predicate: ShortText | None = Field(None, description="Predicate as printed.")

    @model_validator(mode="after")
    def _has_year(self) -> "IndexValue":
        if self.year is None and self.role != "national_minimum":
            raise InvalidValueError(
                N_("year wajib diisi: nilai dengan role %(role)s berlaku untuk satu tahun"),
                role=self.role,
            )
        return self

    @property
    def order(self) -> tuple[float, str]:
        """Key to sort by: the year, without one last."""
        return (math.inf if self.year is None else self.year, self.key)


LevelRole = Literal["declared", "planned"]


class IndexLevel(Evidence):
    """The level of an indicator that the regency declares or plans, such as of the SPBE index.

    Its proof is the document, or what it cites. Several of them together give the index that the
    regency expects; the collaboration index does not read them.
    """

    index: Slug = Field(description="Index of levels as in `methods/`.")
    year: CalendarYear
    indicator: Annotated[int, Field(ge=1, le=999), StrictNumber] = Field(
        description="Number of the indicator in the index."
    )
    level: Annotated[int, Field(ge=0, le=100), StrictNumber] = Field(
        description="A level that the index has."
    )
    role: LevelRole = Field(
        "declared", description="Whether it is reached, or planned for the year."
    )

    @model_validator(mode="after")
    def _key_names_indicator_and_year(self) -> Self:
        key = key_of_level(self.index, self.year, self.indicator, self.role)
        if self.key != key:
            raise InvalidValueError(
                N_("key tingkat ini harus %(key)s: satu tingkat per indikator dan tahun"), key=key
            )
        return self


def key_of_level(index: str, year: int, indicator: int, role: LevelRole) -> str:
    """Return the key of a level: of each indicator, year and role there is one."""
    return f"{index}-{year}-{indicator}" + ("-plan" if role == "planned" else "")


class Verdict(Evidence):
    """A study's judgement of an element or driver in words; shown beside the score, not scored."""

    element: Code = Field(description="Code of the element or driver in the method.")
    year: CalendarYear = Field(description="The year that it is about.")
    word: ShortText = Field(description="Its word; a method maps words to bands of scores.")
    statement: Text | None = Field(None, description="What the source says.")

    @model_validator(mode="after")
    def _has_passage(self) -> "Verdict":
        if self.passage is None:
            raise InvalidValueError(N_("passage wajib diisi: tempat penilaian itu di sumbernya"))
        return self


class Declaration(Evidence):
    """The lead agency's statement that a register is complete for a year.

    Only then does what is not in the register count as absent. The statement holds while the
    register has at least the `entries` that it was declared with: if one is withdrawn, the register
    is no longer complete.
    """

    register_name: Register
    year: CalendarYear
    entries: Annotated[int, Field(ge=0, le=100_000), StrictNumber] = Field(
        description="Records of the year in the register; of `reporting`, agencies that were told "
        "to report."
    )

    @model_validator(mode="after")
    def _key_names_register_and_year(self) -> Self:
        key = f"{self.register_name}-{self.year}"
        if self.key != key:
            raise InvalidValueError(
                N_("key pernyataan ini harus %(key)s: satu register satu pernyataan setahun"),
                key=key,
            )
        return self


EVIDENCE: dict[str, type[Evidence]] = {
    "stakeholders": Stakeholder,
    "meetings": Meeting,
    "agreements": Agreement,
    "decisions": Decision,
    "programmes": Programme,
    "risks": Risk,
    "recognitions": Recognition,
    "observations": Observation,
    "index-values": IndexValue,
    "index-levels": IndexLevel,
    "verdicts": Verdict,
    "declarations": Declaration,
}
"""Each kind by its name in addresses and in `evidence/<kind>.yaml`."""
