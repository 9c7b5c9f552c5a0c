"""Examples stand in the document where they belong, and none is left over."""

import json
from pathlib import Path
from typing import Any

import pytest

from services.platform.examples import add_examples


def document() -> dict[str, Any]:
    operation = {
        "operationId": "post_thing",
        "requestBody": {"content": {"application/json": {}}},
        "responses": {"201": {"content": {"application/json": {}}}},
    }
    return {"paths": {"/things": {"post": operation}}}


def written(folder: Path, examples: dict[str, Any]) -> Path:
    file = folder / "examples.json"
    file.write_text(json.dumps(examples), encoding="utf-8")
    return file


def test_an_example_stands_with_its_body_or_answer(tmp_path: Path) -> None:
    given = {"request": {"application/json": {"a": 1}}, "answers": {"201": {"a": 2}}}
    shown = document()
    add_examples(shown, written(tmp_path, {"post_thing": given}))
    operation = shown["paths"]["/things"]["post"]
    assert operation["requestBody"]["content"]["application/json"] == {"example": {"a": 1}}
    assert operation["responses"]["201"]["content"]["application/json"] == {"example": {"a": 2}}


@pytest.mark.parametrize(
    "left_over",
    [
        {"post_nothing": {}},
        {"post_thing": {"request": {"text/csv": "a"}}},
        {"post_thing": {"answers": {"200": {}}}},
    ],
)
def test_an_example_of_what_is_no_more_is_refused(
    tmp_path: Path, left_over: dict[str, Any]
) -> None:
    with pytest.raises(KeyError):
        add_examples(document(), written(tmp_path, left_over))
