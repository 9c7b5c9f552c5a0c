"""Announcements of the regency's websites, stored to stay readable while a site is down."""
