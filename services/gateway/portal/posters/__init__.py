"""Posters with a QR code and a short address: printed, redirected, counted."""
