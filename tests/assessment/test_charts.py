"""Charts: the same bytes for the same figures, well formed whatever the labels."""

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.assessment.reports.charts import (
    WIDTH,
    Bar,
    Ends,
    Line,
    Point,
    Year,
    bars,
    lines,
    years,
)

SCORES = st.floats(0, 100)
ENDS = st.none() | st.tuples(SCORES, SCORES).map(lambda pair: (min(pair), max(pair)))
SVG = "{http://www.w3.org/2000/svg}"


@st.composite
def bar(draw: st.DrawFn) -> Bar:
    return Bar(
        draw(st.text()), draw(st.none() | SCORES), draw(ENDS), draw(ENDS), draw(ENDS),
        words=draw(st.text()),
    )  # fmt: skip


@pytest.mark.slow
@settings(max_examples=40, deadline=None)
@given(st.lists(bar(), max_size=6), st.text())
def test_whatever_the_labels_are_the_chart_is_well_formed_and_within_its_width(
    rows: list[Bar], alt: str
) -> None:
    drawn = bars(rows, alt=alt, marks=[50, 75])
    assert drawn == bars(rows, alt=alt, marks=[50, 75])
    root = ET.fromstring(drawn)
    assert {element.tag for element in root} <= {
        SVG + tag for tag in ("line", "text", "rect", "path", "circle")
    }
    boxes = root.findall(f"{SVG}rect")
    assert len(boxes) == sum(row.bounds is not None for row in rows)
    assert len(root.findall(f"{SVG}circle")) == sum(row.value is not None for row in rows)
    for box in boxes:
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= WIDTH
    assert not any("style" in element.attrib for element in root.iter())


def test_a_row_without_an_estimate_shows_the_reason_and_what_is_possible() -> None:
    drawn = bars([Bar("Deliberasi", None, bounds=(10, 90), words="bukti belum cukup")], alt="")
    assert "bukti belum cukup" in drawn
    assert "<rect" in drawn
    assert "<circle" not in drawn
    assert "<circle" in bars([Bar("Deliberasi", 0.0)], alt="")


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.none() | SCORES, ENDS, ENDS), min_size=1, max_size=12), st.text())
def test_years_are_drawn_apart_and_no_line_joins_them(
    found: list[tuple[float | None, Ends | None, Ends | None]], words: str
) -> None:
    rows = [Year(2020 + n, *one, words=words) for n, one in enumerate(found)]
    root = ET.fromstring(years(rows, alt="", changes=[(2021, "metode berganti")]))
    assert len(root.findall(f"{SVG}circle")) == sum(row.value is not None for row in rows)
    boxes = root.findall(f"{SVG}rect")
    assert len(boxes) == sum(row.bounds is not None for row in rows)
    for box in boxes:
        assert float(box.attrib["x"]) >= 0
        assert float(box.attrib["x"]) + float(box.attrib["width"]) <= WIDTH


def test_names_at_the_end_of_lines_do_not_cover_each_other() -> None:
    rows = [Line(name, [Point(2023, 50), Point(2024, 50 + n / 10)]) for n, name in enumerate("abc")]
    root = ET.fromstring(lines(rows, alt="", low=0, high=100, step=25, digits=1))
    places = [
        float(one.attrib["y"]) for one in root.iter(f"{SVG}text") if one.text in {"a", "b", "c"}
    ]
    gaps = [abs(one - other) for n, one in enumerate(places) for other in places[:n]]
    assert len(places) == 3
    assert min(gaps) >= 14


def test_a_single_year_can_be_drawn() -> None:
    drawn = lines([Line("a", [Point(2024, 2.98)])], alt="", low=2, high=3, step=0.5, digits=2)
    assert "2,98" in drawn
