"""SIMBG, the national system of building approvals: links by number, and its regional recap."""
