"""TODO metering."""
