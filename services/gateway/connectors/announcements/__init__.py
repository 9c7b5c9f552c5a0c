"""Announcements of the regency's websites, kept so that they can be read while a site is down."""
