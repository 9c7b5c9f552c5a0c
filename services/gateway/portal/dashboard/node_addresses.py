"""Addresses of the pages of single scores."""

from services.assessment.client import IndicatorScore, Node


def node_address(period: int, node: Node) -> str:
    """Return the address of a node's page."""
    place = "indikator" if isinstance(node, IndicatorScore) else "unsur"
    return f"/dasbor/{period}/{place}/{node.code}"
