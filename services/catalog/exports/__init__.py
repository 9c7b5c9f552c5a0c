"""The catalogue in the formats of others: CPSV-AP, HSDS, DCAT, CSV and Atom."""
