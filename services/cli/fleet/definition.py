"""The list of hubs that one team runs: a YAML file, validated with the line of each error."""

import json
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, Field, StringConstraints, field_validator, model_validator

from services.platform.packs import PackModel, parse, read_yaml, rule_error
from services.platform.settings import Settings
from services.platform.translation import N_
from services.platform.types import HttpsUrl, RegionCode, ShortText

HostName = Annotated[
    str,
    StringConstraints(
        pattern=r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]{2,63}$", max_length=253
    ),
]
Version = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$")]
"""A version of the hub, which is the tag of its image too."""
Cpu = Annotated[str, StringConstraints(pattern=r"^([1-9][0-9]*m|[0-9]{1,3}(\.[0-9]{1,3})?)$")]
PackFolder = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_./-]+$", max_length=500)]
Memory = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]*(Mi|Gi)$")]


def _plain_settings(given: dict[str, str]) -> dict[str, str]:
    for name in given:
        field = Settings.model_fields.get(name.removeprefix("EMALL_").lower())
        if field is None or not name.startswith("EMALL_") or name != name.upper():
            raise ValueError(f"there is no setting {name!r}; docs/operations.md lists them")
        if "Secret" in str(field.annotation):
            raise ValueError(f"{name} is secret and belongs into a file of the hub's secrets")
        if name in RENDERED_SETTINGS:
            raise ValueError(f"{name} follows from the list itself")
    return given


RENDERED_SETTINGS = frozenset(
    ("EMALL_REGION", "EMALL_PUBLIC_URL", "EMALL_ROLE_PREFIX", "EMALL_HOST", "EMALL_PORT")
)
PlainSettings = Annotated[dict[str, str], AfterValidator(_plain_settings)]


class Resources(PackModel):
    """What a hub may use, and how many replicas there are of it."""

    cpu: Cpu = Field("500m", description="Processor asked for by a replica, such as 500m.")
    memory: Memory = Field("512Mi", description="Memory that a replica may use, such as 512Mi.")
    replicas: int = Field(2, ge=1, le=50, description="Replicas that always run.")
    max_replicas: int = Field(4, ge=1, le=50, description="Replicas under load.")
    cpu_percent: int = Field(
        70, ge=10, le=100, description="Use of the processor from which replicas are added."
    )

    @model_validator(mode="after")
    def _rises(self) -> "Resources":
        if self.max_replicas < self.replicas:
            message = N_("tidak boleh kurang dari replicas, %(replicas)s")
            raise rule_error(self, ("max_replicas",), message, replicas=self.replicas)
        return self


class HubEntry(PackModel):
    """A regency with its hub."""

    code: RegionCode = Field(description="Code of the regency (Home Affairs), in quotation marks.")
    name: ShortText
    host: HostName = Field(description="Name at which citizens reach the hub, without https://.")
    pack: PackFolder = Field(description="Folder of its pack, such as packs/samosir.")
    version: Version | None = Field(
        None, description="Version that it runs; default: that of the whole list."
    )
    canary: bool = Field(False, description="Whether it gets a new version before all others.")
    port: int | None = Field(
        None, ge=1024, le=65535, description="Port on this machine; for `emall fleet run` only."
    )
    address: HttpsUrl | None = Field(
        None, description="Where `emall fleet status` asks it; default: https and its host."
    )
    resources: Resources | None = Field(None, description="Default: those of the whole list.")
    settings: PlainSettings = Field(
        default_factory=dict[str, str], description="Settings of this hub beside those of the list."
    )

    @property
    def slug(self) -> str:
        """The code as it may stand in names of files and objects: `12-17`."""
        return self.code.replace(".", "-")

    @property
    def database(self) -> str:
        """The name of its database, of the owner, and the prefix of its roles: `emall_12_17`."""
        return f"emall_{self.code.replace('.', '_')}"


class Fleet(PackModel):
    """The list: what all hubs share, then each hub."""

    version: Version = Field(description="Version that hubs run which name none.")
    image: Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._/:-]*$")] = Field(
        "emall", description="Image without its tag, which is the version."
    )
    postgres_image: ShortText = Field("postgres:18", description="Image of the shared PostgreSQL.")
    database_host: ShortText = Field(
        "postgres", description="Host of the shared PostgreSQL, as hubs reach it."
    )
    ingress_class: ShortText | None = Field(
        None, description="Ingress class in Kubernetes; default: that of the cluster."
    )
    resources: Resources = Field(default_factory=lambda: Resources.model_validate({}))
    settings: PlainSettings = Field(
        default_factory=dict[str, str],
        description="Settings of all hubs, such as EMALL_LOG_FORMAT.",
    )
    programs: dict[Version, ShortText] = Field(
        default_factory=dict[str, str],
        description="The command emall of other versions on this machine, for `emall fleet run`.",
    )
    hubs: list[HubEntry] = Field(min_length=1, max_length=600)

    @field_validator("hubs")
    @classmethod
    def _each_once(cls, hubs: list[HubEntry]) -> list[HubEntry]:
        for field in ("code", "host", "port"):
            seen: set[object] = set()
            for hub in hubs:
                value = getattr(hub, field)
                if value is not None and value in seen:
                    raise ValueError(f"two hubs have the {field} {value!r}")
                seen.add(value)
        return hubs

    def version_of(self, hub: HubEntry) -> str:
        return hub.version or self.version

    def resources_of(self, hub: HubEntry) -> Resources:
        return hub.resources or self.resources

    def settings_of(self, hub: HubEntry) -> dict[str, str]:
        """Return the settings of a hub that are no secrets, in a stable order."""
        own = {
            "EMALL_REGION": hub.code,
            "EMALL_PUBLIC_URL": f"https://{hub.host}",
            "EMALL_ROLE_PREFIX": hub.database,
        }
        return dict(sorted({**self.settings, **hub.settings, **own}.items()))

    def in_rollout_order(self) -> list[HubEntry]:
        """Return the hubs with canaries first; without any, the first of the list is one."""
        return sorted(self.hubs, key=lambda hub: not hub.canary)


def read_fleet(file: Path) -> Fleet:
    """Read a list; raise `PackError` with file, line and field of each error."""
    return parse(read_yaml(file, file.parent), Fleet)


def fleet_schema() -> str:
    """Return the JSON Schema of a list, for editors."""
    schema: dict[str, Any] = {
        **Fleet.model_json_schema(),
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "emall: a list of hubs",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"
