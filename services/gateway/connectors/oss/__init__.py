"""Connector to OSS RBA, the national system of business licences (PIA 4.3.22)."""
