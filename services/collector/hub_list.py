"""The list of hubs that a collector reads, `HUBS.yaml`.

`python -m services.collector.hub_list` writes its JSON Schema to `docs/hubs.schema.json`.
"""

import json
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from services.platform.packs import PackModel, parse, read_yaml, rule_error
from services.platform.settings import ROOT
from services.platform.translation import N_
from services.platform.types import HttpsUrl, Sha256, ShortText

SCHEMA_FILE = ROOT / "docs" / "hubs.schema.json"
MAX_HUBS = 1000
"""Twice the regencies of the country; what pages and answers list is bounded by it."""

RegencyCode = Annotated[str, StringConstraints(pattern=r"^\d{2}\.\d{2}$")]


class ListedHub(PackModel):
    """A regency whose hub is read."""

    code: RegencyCode = Field(
        description="Code of the regency by the register of the Ministry of Home Affairs, such as "
        "12.12, in quotation marks."
    )
    name: ShortText = Field(description="Name of the regency, such as Kabupaten Toba.")
    address: HttpsUrl | None = Field(
        None, description="Base address of its hub; null if networks do not reach it."
    )
    keys: list[Sha256] = Field(
        min_length=1,
        max_length=20,
        description="Fingerprints of its current key and of former ones, as its hub shows them at "
        "/api/v1/metrics/publishing-key, taken over a channel that you trust.",
    )
    folder: ShortText | None = Field(
        None,
        description="Folder of bundle files (.zip) that were brought by other ways, relative to "
        "this list.",
    )

    @model_validator(mode="after")
    def _is_reached(self) -> "ListedHub":
        if self.address is None and self.folder is None:
            raise rule_error(self, ("address",), N_("address atau folder wajib diisi"))
        return self


class HubList(PackModel):
    """`HUBS.yaml`"""

    name: ShortText = Field(description="Who collects, such as Provinsi Sumatera Utara.")
    name_en: ShortText = Field(description="The same in English.")
    timezone: Literal["Asia/Jakarta", "Asia/Makassar", "Asia/Jayapura"] = "Asia/Jakarta"
    hubs: list[ListedHub] = Field(min_length=1, max_length=MAX_HUBS)

    @model_validator(mode="after")
    def _names_each_regency_once(self) -> "HubList":
        known: set[str] = set()
        for number, hub in enumerate(self.hubs):
            if hub.code in known:
                raise rule_error(self, ("hubs", number, "code"), N_("sudah ada dalam daftar ini"))
            known.add(hub.code)
        return self


def read_hub_list(file: Path) -> HubList:
    """Read a list of hubs; `PackError` names line and field of each issue."""
    return parse(read_yaml(file, file.parent), HubList)


def schema_text() -> str:
    """Return the content of `docs/hubs.schema.json`."""
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **HubList.model_json_schema(mode="validation"),
        "title": "A list of hubs of `emall collect`",
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    SCHEMA_FILE.write_text(schema_text(), encoding="utf-8")
