"""Handovers: roles and open work of a person who leaves pass to a successor."""
