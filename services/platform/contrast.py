"""Contrast of two colours, as the Web Content Accessibility Guidelines (WCAG 2.2) define it."""

TEXT = 4.5
"""The least contrast of text with its background (success criterion 1.4.3, level AA)."""
PARTS = 3.0
"""The least contrast of parts of pictures and controls with what is beside them (1.4.11)."""


def contrast_ratio(one: str, other: str) -> float:
    """Return the contrast ratio of two colours such as `#0b5d4e`, from 1 to 21."""
    dark, light = sorted((_relative_luminance(one), _relative_luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _relative_luminance(colour: str) -> float:
    """Return the relative luminance of an sRGB colour, from 0 (black) to 1 (white)."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (
        channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
        for channel in channels
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
