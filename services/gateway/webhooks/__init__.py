"""Signed webhooks: subscriptions, outbox, delivery, reporting reminders."""
