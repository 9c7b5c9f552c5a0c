"""Configuration of JSON sources in `connectors.yaml`: where a response holds which figure."""

from collections.abc import Iterable
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from services.gateway.connectors.base import ServiceReference, SourceConfig
from services.gateway.connectors.statistics_client import Channel, Measure
from services.platform.packs import PackModel
from services.platform.types import HttpsUrl, Slug

Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^~/\x00]|~0|~1)*)*$", max_length=200)]
"""JSON pointer (RFC 6901); empty for the whole document."""
SourceValue = Annotated[str, StringConstraints(min_length=1, max_length=300)]
"""A value as the source writes it."""


class ServiceMapping(PackModel):
    """Service of an item."""

    constant: Slug | None = None
    pointer: Pointer | None = Field(None, description="Pointer into the item.")
    values: dict[SourceValue, Slug] = Field(
        default_factory=dict, description="Values of the source and the service of each."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> "ServiceMapping":
        if (self.constant is None) == (self.pointer is None):
            raise ValueError("needs either constant, or pointer with values")
        if self.pointer is not None and not self.values:
            raise ValueError("needs values: those of the source and the service of each")
        return self


class ChannelMapping(PackModel):
    """Channel of an item's applications."""

    constant: Channel | None = None
    pointer: Pointer | None = None
    values: dict[SourceValue, Channel] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _exactly_one(self) -> "ChannelMapping":
        if (self.constant is None) == (self.pointer is None):
            raise ValueError("needs either constant, or pointer with values")
        return self


class PeriodMapping(PackModel):
    """Month of an item: one field such as 2024-03 or 2024-03-31, or a year and a month."""

    pointer: Pointer | None = None
    year: Pointer | None = None
    month: Pointer | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "PeriodMapping":
        if (self.pointer is None) == (self.year is None) or (self.year is None) != (
            self.month is None
        ):
            raise ValueError("needs either pointer, or year and month")
        return self


class MeasureMapping(PackModel):
    """Counter of an item's value, if each item has one value."""

    pointer: Pointer
    values: dict[SourceValue, Measure] = Field(min_length=1)
    value: Pointer


class JsonStatisticsConfig(SourceConfig):
    """A JSON address whose figures become monthly statistics of an agency."""

    url: HttpsUrl = Field(description="`{year}` is replaced by the year of the last whole month.")
    header: Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,50}$")] | None = (
        Field(None, description="Header that carries the secret from EMALL_SOURCE_SECRETS.")
    )
    agency: Slug
    items: Pointer = Field(description="The list of items in the response.")
    service: ServiceMapping
    channel: ChannelMapping
    period: PeriodMapping
    counters: dict[Measure, Pointer] | None = Field(
        None, description="Counters and the pointer to each in an item."
    )
    measure: MeasureMapping | None = None

    @model_validator(mode="after")
    def _exactly_one(self) -> "JsonStatisticsConfig":
        if bool(self.counters) == (self.measure is not None):
            raise ValueError("needs either counters, or measure")
        return self

    def service_references(self) -> Iterable[ServiceReference]:
        """Return the services that items are mapped to."""
        if self.service.constant is not None:
            yield ServiceReference(("service", "constant"), self.agency, self.service.constant)
        for value, service in self.service.values.items():
            yield ServiceReference(("service", "values", value), self.agency, service)
