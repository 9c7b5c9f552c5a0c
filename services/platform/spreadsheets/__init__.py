"""Spreadsheets: reading with limits and errors that name sheet and cell, and writing."""
