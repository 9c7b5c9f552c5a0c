"""Rules for a table of units: treatment of outliers, and imputation of missing values.

Both make a unit's score depend on the other units, so a method has neither unless it says so. They
follow `Treat` and `Impute` of COINr (Becker et al. 2022), an implementation of the OECD/JRC
Handbook, and have its defaults.
"""

from typing import Annotated, Literal

from pydantic import Field

from services.assessment.types import Code
from services.platform.packs import PackModel


class LogTransform(PackModel):
    """The logarithm of the distance from the lowest value, plus a hundredth of the range."""

    kind: Literal["log"] = "log"


class SkewLogTransform(PackModel):
    """`log` if the skewness is positive; if not, its mirror image from the highest value."""

    kind: Literal["log_by_skew"]


class BoxCoxTransform(PackModel):
    """The Box-Cox transformation of the distance from the lowest value, plus 1."""

    kind: Literal["box_cox"]
    exponent: float = Field(ge=-5, le=5, description="Lambda; 0 is the logarithm.")


Transform = Annotated[
    LogTransform | SkewLogTransform | BoxCoxTransform, Field(discriminator="kind")
]


class OutlierTreatment(PackModel):
    """Treatment of a variable whose distribution has outliers.

    A variable has outliers if both its skewness and its kurtosis are over the limits. Then the
    highest values (of a negative skewness the lowest) are set to the next one, until it has none.
    If it still has, its original values are transformed instead.
    """

    skewness: float = Field(default=2, gt=0, description="Limit of the absolute skewness.")
    kurtosis: float = Field(default=3.5, gt=0, description="Limit of the excess kurtosis.")
    winsorise: int = Field(
        default=5, ge=0, le=1000, description="Most values that are set to the next."
    )
    transform: Transform | None = Field(
        default=LogTransform(), description="What follows if that is not enough; null for nothing."
    )
    exempt: list[Code] = Field(
        default_factory=list[Code], max_length=300, description="Subjects that are not treated."
    )


class Imputation(PackModel):
    """An estimate of missing values of a unit, from other units or from other years.

    An imputed value counts for the estimate (`value`) only: it proves nothing.
    """

    by: Literal[
        "mean",
        "median",
        "group_mean",
        "group_median",
        "latest",
        "constant",
        "linear",
        "linear_constant",
    ] = Field(
        description="`mean`, `median`: of the units of that year; `group_mean`, `group_median`: "
        "of those of the unit's group. `latest`: the unit's last value of an earlier year; "
        "`constant`: that too, and before its first value the first; `linear`: between the "
        "values around it, outside them the nearest one; `linear_constant`: also of a unit with "
        "a single value, which `linear` leaves out."
    )
    years: int | None = Field(
        default=None,
        ge=1,
        le=100,
        description="Of `latest`: how many years of the table to look back.",
    )
