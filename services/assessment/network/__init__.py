"""Network of stakeholders: ties, measures and drawing."""
