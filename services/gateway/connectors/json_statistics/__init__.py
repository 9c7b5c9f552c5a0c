"""Sources of monthly statistics as JSON, mapped by the pack."""
