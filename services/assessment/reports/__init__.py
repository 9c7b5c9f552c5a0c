"""Reports: what an assessment found, for people who read no API."""
