"""Evidence other than meetings: recorded by one organisation and confirmed by another."""
