"""Configuration of OSS in `connectors.yaml`: how messages count as usage statistics."""

from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from services.gateway.connectors.base import ConnectorConfig, ServiceReference
from services.gateway.connectors.oss.messages import Inbound
from services.gateway.connectors.statistics_client import Measure
from services.platform.packs import PackModel
from services.platform.types import Slug

Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,25}$")]


class CountingRule(PackModel):
    """Messages of OSS that count for a service."""

    message: Inbound | Literal["receiveLicenseStatus"] = Field(
        description="A message from OSS, or the status that the hub submits to it."
    )
    where: dict[
        Literal[
            "kd_daerah",
            "jenis_pelaku_usaha",
            "skala_usaha",
            "status_nib",
            "kd_izin",
            "kd_status",
            "change",
        ],
        list[Code],
    ] = Field(
        default_factory=dict,
        description="Codes that the message must have; `change`: yes or no, whether it reports a "
        "change of an existing NIB.",
    )
    each: Literal["message", "licence"] = Field(
        "message", description="Whether a message counts once, or once for each licence in it."
    )
    service: Slug
    measure: Measure


class CountingRules(ConnectorConfig):
    """How messages of OSS count as usage statistics; a new version counts all of them again."""

    version: Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,40}$")]
    agency: Slug
    rules: list[CountingRule] = Field(min_length=1)

    def service_references(self) -> Iterable[ServiceReference]:
        """Return the services that messages count for."""
        for index, rule in enumerate(self.rules):
            yield ServiceReference(("rules", index, "service"), self.agency, rule.service)
