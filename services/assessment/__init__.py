"""Assessment of collaboration: evidence, methods, scores."""
