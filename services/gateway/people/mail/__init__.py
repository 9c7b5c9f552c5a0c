"""E-mail to the people who keep the hub: an outbox in the database, and its delivery by SMTP."""
