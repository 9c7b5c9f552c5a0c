"""Webhooks: an outbox of events, signed deliveries, and reminders of due statistics."""
