"""`make faults`: a hub of real processes under load and faults; nothing accepted may be lost."""
