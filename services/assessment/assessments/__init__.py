"""Assessments: a year, a method, the evidence that was read, and the scores."""
