"""From evidence to scores: pure computation, no web framework and no database."""
