"""Assessment reports as documents: HTML, PDF and workbook."""
