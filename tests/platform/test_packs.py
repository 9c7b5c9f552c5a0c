"""Reading packs: places of faults, CSV files, what differs."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ConfigDict

from services.platform.packs import (
    Change,
    Pack,
    PackError,
    PackIssue,
    PackModel,
    changes_between,
    content_hash,
    duplicates,
    field_name,
    parse,
    read_csv,
    read_yaml,
    undefined_references,
)
from tests.conftest import TOBA


class Row(PackModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    month: str
    value: int


class Table(PackModel):
    rows: list[Row]


def yaml_at(folder: Path, content: str | bytes) -> Path:
    file = folder / "some.yaml"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def csv_at(folder: Path, content: str | bytes) -> Path:
    file = folder / "some.csv"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    return file


def fault_of(work: Any, *arguments: Any, **more: Any) -> str:
    with pytest.raises(PackError) as caught:
        work(*arguments, **more)
    [fault] = caught.value.issues
    assert str(caught.value) == str(fault)
    return str(fault)


def test_a_field_has_the_line_on_which_its_key_stands(tmp_path: Path) -> None:
    file = yaml_at(tmp_path, "a:\n  - b: 1\n    c:\n      d: 2\n  - {b: 3,\n     c: 4}\n")
    located = read_yaml(file, tmp_path)
    assert located.line_of(("a", 0, "c", "d")) == 4
    assert located.line_of(("a", 1, "c")) == 6


def test_a_field_that_is_not_written_has_the_line_of_what_is_around_it(tmp_path: Path) -> None:
    located = read_yaml(yaml_at(tmp_path, "x: 1\na:\n  - b: 1\n  - b: 2\n"), tmp_path)
    assert located.line_of(("a", 1, "missing", "deeper")) == 4
    assert located.line_of(("z",)) == 1


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ((), "(file)"),
        (("a",), "a"),
        (("a", 3, "b", 0, "c"), "a[3].b[0].c"),
        ((0, "a"), "[0].a"),
    ],
)
def test_a_field_is_named_as_one_would_write_it(path: tuple[str | int, ...], name: str) -> None:
    assert field_name(path) == name


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        (b"a: 1\nb: \xff\n", "some.yaml:2: (file): must be UTF-8: invalid start byte"),
        ("a: 1\na: 2\n", "some.yaml:2: a: is duplicated; remove one"),
        ("a:\n  b:\n    c: 1\n    c: 1\n", "some.yaml:4: a.b.c: is duplicated; remove one"),
        ("a: [1\nb: 2\n", "some.yaml:2: (file): did not find expected ',' or ']'"),
        ("a: !!python/object:os.system x\n", "some.yaml:1: (file): could not determine a"),
        ("a: *nothing\n", "some.yaml:1: (file): found undefined alias"),
        ("a: \x00\n", "some.yaml:1: (file): unacceptable character #x0000"),
        ("a: 2024-13-45\n", "some.yaml:1: (file): month must be in 1..12"),
        ("a: &a [*a]\n", "some.yaml:1: (file): is nested too deeply"),
        pytest.param("[" * 100_000, "some.yaml:1: (file): exceeded maximum nesting", id="deep"),
    ],
)
def test_what_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, fault: str
) -> None:
    file = yaml_at(tmp_path, content)
    assert fault_of(read_yaml, file, tmp_path).startswith(fault)


def test_a_byte_order_mark_is_no_fault(tmp_path: Path) -> None:
    assert read_yaml(yaml_at(tmp_path, b"\xef\xbb\xbfa: 1\n"), tmp_path).data == {"a": 1}


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    said = "is missing; see docs/packs.md"
    assert fault_of(read_yaml, tmp_path / "a.yaml", tmp_path) == f"a.yaml:1: (file): {said}"
    assert fault_of(read_csv, tmp_path / "a.csv", tmp_path, name="rows") == (
        f"a.csv:1: (file): {said}"
    )


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("rows: 1\n", "some.yaml:1: rows: Input should be a valid list (found 1)"),
        ("rows:\n- month: a\n", "some.yaml:2: rows[0].value: Field required"),
        ("rows:\n- month: a\n  value: x\n", "some.yaml:3: rows[0].value: Input should be"),
        ("rows:\n- {month: a, value: 1}\n- 3\n", "some.yaml:3: rows[1]: Input should be"),
        ("", "some.yaml:1: (file): Input should be"),
    ],
)
def test_a_field_that_does_not_fit_is_named(tmp_path: Path, content: str, fault: str) -> None:
    located = read_yaml(yaml_at(tmp_path, content), tmp_path)
    assert fault_of(parse, located, Table).startswith(fault)


def test_every_field_that_does_not_fit_is_named(tmp_path: Path) -> None:
    content = "rows:\n- {month: 1, value: x}\n- {month: a, velue: 1}\n"
    located = read_yaml(yaml_at(tmp_path, content), tmp_path)
    with pytest.raises(PackError) as caught:
        parse(located, Table)
    assert [(fault.line, fault.field) for fault in caught.value.issues] == [
        (2, "rows[0].month"),
        (2, "rows[0].value"),
        (3, "rows[1].value"),
        (3, "rows[1].velue"),
    ]


def test_a_spreadsheet_is_read_with_its_lines(tmp_path: Path) -> None:
    file = csv_at(tmp_path, b'\xef\xbb\xbfmonth,value\r\n"2024\n-01",3\r\n2024-02,x\r\n')
    located = read_csv(file, tmp_path, name="rows")
    assert located.data["rows"][0] == {"month": "2024\n-01", "value": "3"}
    assert fault_of(parse, located, Table).startswith("some.csv:4: rows[1].value: ")


def test_an_empty_cell_is_no_value(tmp_path: Path) -> None:
    located = read_csv(csv_at(tmp_path, "month,value\n,3\n"), tmp_path, name="rows")
    assert located.data == {"rows": [{"month": None, "value": "3"}]}


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("month,value\n2024-01\n", "some.csv:2: rows[0]: has a wrong number of cells"),
        (
            "month,value\n2024-01,3\n2024-02,3,4\n",
            "some.csv:3: rows[1]: has a wrong number of cells",
        ),
        (b"month,value\n\n2024-01,\xe9\n", "some.csv:3: (file): must be UTF-8"),
        ('month,value\n"2024,3\n', "some.csv:2: (file): cannot be read: unexpected end of data"),
    ],
)
def test_a_spreadsheet_that_cannot_be_read_is_named_with_its_line(
    tmp_path: Path, content: str | bytes, fault: str
) -> None:
    assert fault_of(read_csv, csv_at(tmp_path, content), tmp_path, name="rows").startswith(fault)


def test_a_reference_to_nothing_is_named(tmp_path: Path) -> None:
    located = read_yaml(yaml_at(tmp_path, "a:\n- x\n- y\n"), tmp_path)
    references = [(("a", index), name) for index, name in enumerate(located.data["a"])]
    assert [str(f) for f in undefined_references(located, references, ["x"], kind="source")] == [
        "some.yaml:3: a[1]: there is no source 'y' in this pack"
    ]


def test_a_key_that_is_used_twice_is_named_with_the_line_of_the_first(tmp_path: Path) -> None:
    located = read_yaml(yaml_at(tmp_path, "a:\n- slug: x\n- slug: y\n- slug: x\n"), tmp_path)
    assert duplicates(located, "a", ["x", "y", "x"]) == [
        PackIssue("some.yaml", 4, "a[2].slug", "'x' is already defined in line 2")
    ]


def test_changes_are_formatted_for_readers() -> None:
    changes = changes_between(
        "link", {"a": {"x": 1, "y": 1}, "b": {}, "c": {}}, {"a": {"x": 2, "z": 1}, "c": {}, "d": {}}
    )
    assert [str(change) for change in changes] == ["+ link d", "~ link a (x, y, z)", "- link b"]


documents = st.dictionaries(
    st.sampled_from("abcd"), st.dictionaries(st.sampled_from("xyz"), st.integers(0, 2))
)


@given(documents, documents)
def test_applying_the_changes_makes_what_is_stored_what_is_wanted(
    stored: dict[str, dict[str, int]], wanted: dict[str, dict[str, int]]
) -> None:
    result = dict(stored)
    for change in changes_between("thing", stored, wanted):
        if change.action == "removed":
            del result[change.key]
        else:
            assert (change.key in result) == (change.action == "changed")
            result[change.key] = wanted[change.key]
    assert result == wanted
    assert changes_between("thing", result, wanted) == []


@given(st.dictionaries(st.text(), st.integers() | st.text()))
def test_the_hash_of_a_document_does_not_depend_on_the_order_of_its_fields(
    document: dict[str, Any],
) -> None:
    assert content_hash(dict(reversed(document.items()))) == content_hash(document)


def test_the_head_of_the_pack_of_toba_is_read() -> None:
    assert parse(read_yaml(TOBA / "pack.yaml", TOBA), Pack).region == "12.12"


def test_a_change_without_fields_is_formatted_without_brackets() -> None:
    assert str(Change("agency", "pupr", "added")) == "+ agency pupr"
