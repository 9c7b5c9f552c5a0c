"""What it says about collaboration: evidence, methods, scores."""
