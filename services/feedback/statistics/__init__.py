"""What people did at the hub (events) and what agencies did for them (monthly statistics)."""
