"""Announcements that agencies write in the hub: drafts, review, versions, and when they show."""
