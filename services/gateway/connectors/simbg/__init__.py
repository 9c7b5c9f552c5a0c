"""Connector to SIMBG, the national system of building approvals: permit numbers and recaps."""
