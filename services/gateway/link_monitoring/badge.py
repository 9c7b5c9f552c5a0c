"""SVG badge with the state of a link, for other sites to embed."""

from xml.sax.saxutils import escape

from services.gateway.link_monitoring.classify import State

COLOURS: dict[State, str] = {
    "ok": "#2a7f4f",
    "caution": "#8a5a00",
    "broken": "#b3261e",
    "pending": "#5a6361",
}

CHARACTER_WIDTH = 6.8
"""Upper estimate of a character's width in pixels."""


def render_badge(label: str, message: str, state: State) -> str:
    """Return an SVG of two fields, `label` and `message`, with an accessible title."""
    left = round(len(label) * CHARACTER_WIDTH) + 12
    right = round(len(message) * CHARACTER_WIDTH) + 12
    whole = left + right
    label, message = escape(label), escape(message)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{whole}" height="20" role="img" '
        f'aria-labelledby="t"><title id="t">{label}: {message}</title>'
        f'<rect width="{left}" height="20" fill="#37413e"/>'
        f'<rect x="{left}" width="{right}" height="20" fill="{COLOURS[state]}"/>'
        '<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" '
        f'text-anchor="middle"><text x="{left / 2}" y="14">{label}</text>'
        f'<text x="{left + right / 2}" y="14">{message}</text></g></svg>'
    )
