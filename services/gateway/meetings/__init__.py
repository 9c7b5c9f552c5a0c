"""Meetings that are planned: invitations as calendar files and by mail, until they are recorded."""
