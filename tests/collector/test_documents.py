"""The list of hubs and the API document: what is wrong is named, and examples are true."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from fastapi.routing import APIRoute
from openapi_spec_validator import validate

from services.collector.app import create_app
from services.collector.hub_list import SCHEMA_FILE, HubList, read_hub_list, schema_text
from services.platform.packs import PackError
from services.platform.router import DeferredRoute
from services.platform.settings import ROOT
from tests.conftest import GivenSettings

KEY = "a" * 64
LIST = f"""
name: Provinsi Uji
name_en: Test Province
hubs:
  - code: "12.12"
    name: Kabupaten Toba
    address: https://hub.example.go.id
    keys: ["{KEY}"]
"""


def written(folder: Path, text: str) -> Path:
    """Write a list of hubs."""
    file = folder / "HUBS.yaml"
    file.write_text(text)
    return file


def test_the_schema_in_the_documentation_is_that_of_the_model(tmp_path: Path) -> None:
    assert SCHEMA_FILE.read_text() == schema_text()
    schema = yaml.safe_load(schema_text())
    jsonschema.validate(yaml.safe_load(LIST), schema)
    assert read_hub_list(written(tmp_path, LIST)).hubs[0].code == "12.12"
    text = (ROOT / "docs" / "collector.md").read_text()
    for field in (*HubList.model_fields, *schema["$defs"]["ListedHub"]["properties"]):
        assert f"`{field}`" in text


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('"12.12"', "12.12", "hubs.0.code"),
        ("    address: https://hub.example.go.id\n", "", "hubs.0: address or folder"),
        (f'["{KEY}"]', '["abc"]', "hubs.0.keys.0"),
        ("hubs:", 'hubs:\n  - {code: "12.12", name: A, folder: a, keys: [' + KEY + "]}", "1.code"),
    ],
)
def test_what_is_wrong_in_a_list_is_named_with_its_place(
    tmp_path: Path, before: str, after: str, named: str
) -> None:
    assert before in LIST
    with pytest.raises(PackError) as refused:
        read_hub_list(written(tmp_path, LIST.replace(before, after)))
    assert named in str(refused.value).replace("/", ".").replace("[", ".").replace("]", "")


def test_every_operation_has_an_example_that_its_schema_accepts(tmp_path: Path) -> None:
    hubs = read_hub_list(written(tmp_path, LIST))
    given: dict[str, Any] = {"data_dir": tmp_path}
    app = create_app(GivenSettings(**given), hubs, tmp_path, every=timedelta(hours=1))
    document = app.openapi()
    validate(document)
    routes = [route for route in app.routes if isinstance(route, APIRoute)]
    assert all(isinstance(route, DeferredRoute) and callable(route.app) for route in routes)
    operations = [one for methods in document["paths"].values() for one in methods.values()]
    assert len(operations) == 8
    for operation in operations:
        answer = operation["responses"]["200"]["content"]["application/json"]
        jsonschema.validate(
            answer["example"], {**answer["schema"], "components": document["components"]}
        )
        assert {"422", "503"} <= set(operation["responses"])
