"""Service catalogue: public services, their agencies, and life events."""
