"""Follows every figure of an assessment to what it rests on, by the addresses in the answers."""

import math
from collections.abc import Iterator, Mapping
from statistics import fmean
from typing import Any

from tests.system.processes import RunningHub

REPORTS = {"catalog", "usage", "reporting", "survey"}
TOLERANCE = 2e-4
"""Figures are published with four decimals."""


def nodes_of(scores: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Every node below the index."""
    for dimension in scores["dimensions"]:
        yield dimension
        for element in dimension["elements"]:
            yield element
            yield from element["indicators"]
    for driver in scores["drivers"]:
        yield driver
        yield from driver["indicators"]


def indicators_of(scores: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the indicators by code."""
    return {node["code"]: node for node in nodes_of(scores) if "raw" in node}


def follow(hub: RunningHub, scores: Mapping[str, Any]) -> int:
    """Follows every number to its evidence; the number of indicators that have a value."""
    check_sums(scores)
    valued = [node for node in indicators_of(scores).values() if node["value"] is not None]
    for node in valued:
        assert node["evidence"], node["code"]
        for link in node["evidence"]:
            follow_evidence(hub, link)
    return len(valued)


def check_sums(scores: Mapping[str, Any]) -> None:
    """Every node that has parts is the mean that the method says, and what has no value says why.

    An element whose evidence is insufficient has parts with values and none itself.
    """
    for node in nodes_of(scores):
        assert (node["value"] is None) == (node["reason"] is not None), node["code"]
        parts = [
            part["value"]
            for part in node.get("indicators") or node.get("elements") or ()
            if part["value"] is not None
        ]
        if node["value"] is not None and "raw" not in node:
            assert math.isclose(node["value"], fmean(parts), abs_tol=TOLERANCE), node["code"]
    dimensions = [dimension["value"] for dimension in scores["dimensions"]]
    index = scores["index"]["value"]
    if index is not None:
        expected = math.prod(dimensions) ** (1 / len(dimensions))
        assert math.isclose(index, expected, abs_tol=TOLERANCE)


def follow_evidence(hub: RunningHub, link: Mapping[str, Any]) -> None:
    """Follows a piece of evidence to the record, in the version that was read, and its sources."""
    answer = hub.get(link["href"])
    assert answer.status_code == 200, (link, answer.text)
    body = answer.json()
    if link["kind"] in REPORTS:
        assert body, link
        return
    assert (body["content"]["key"], body["version"]) == (link["key"], link["version"])
    assert len(body["sources"]) == len(set(body["content"]["sources"])), link
    sources = {source["href"] for source in body["sources"]}
    assert sources, link
    for href in sources:
        source = hub.get(href)
        assert source.status_code == 200, href
        assert source.json()["title"], href
