"""What happened: usage events and statistics, surveys, comments."""
