"""What a citizen can ask for: public services, the agencies that give them, life events."""
