"""Monthly statistics of agencies: figures and revisions, obligations, plausibility, usage sums."""
