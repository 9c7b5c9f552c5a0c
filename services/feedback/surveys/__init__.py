"""What people know and think: surveys defined as data, their responses and results."""
