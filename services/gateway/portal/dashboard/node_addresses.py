"""Addresses of the pages of single scores and of charts."""

from services.assessment.client import IndicatorScore, Node


def node_address(period: int, node: Node) -> str:
    """Return the address of a node's page."""
    place = "indikator" if isinstance(node, IndicatorScore) else "unsur"
    return f"/dasbor/{period}/{place}/{node.code}"


def chart_address(period: int, name: str) -> str:
    """Return the address of a chart's page; its files have an ending after it."""
    return f"/dasbor/{period}/bagan/{name}"
