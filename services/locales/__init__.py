"""Translations of the messages: `{language}/LC_MESSAGES/emall.po`, and how they are updated."""
