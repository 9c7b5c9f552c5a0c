"""The catalogue in words, as a device stores it to work without a network."""
