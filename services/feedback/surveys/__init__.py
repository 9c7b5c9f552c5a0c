"""Surveys defined as data: definitions, responses, results."""
