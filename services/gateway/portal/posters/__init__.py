"""Posters with a code for the phone's camera: printed, found again, counted."""
