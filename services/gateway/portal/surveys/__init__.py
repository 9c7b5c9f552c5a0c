"""Surveys as pages: answered on a phone, at a kiosk, by an enumerator."""
