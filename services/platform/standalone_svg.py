"""Style of SVG files that a browser opens by themselves."""

AS_WIDE_AS_A_PHONE = "@media(max-device-width:40em){:root{width:100%;height:auto}}"
"""Fills the screen of a phone.

A phone lays out what names no viewport, as no SVG can, on 980 pixels and shows that as small as its
screen, so that a drawing of its own size has letters of a few pixels there.
"""
