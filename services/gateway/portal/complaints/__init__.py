"""Complaints, questions and comments as pages: the form, and each ticket with its replies."""
