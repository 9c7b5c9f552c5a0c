"""Usage events, monthly statistics, surveys and comments."""
