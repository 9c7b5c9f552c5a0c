"""Assessment methods as versioned data: parsed, checked, hashed. Pure."""
