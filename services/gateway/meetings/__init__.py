"""Meetings that are planned: invitations, attendance lists, until they are recorded."""
