"""The catalogue as a spreadsheet: export and import by agencies that keep it in Excel."""
