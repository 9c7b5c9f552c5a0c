"""What is known about collaboration: records with sources, never overwritten."""
