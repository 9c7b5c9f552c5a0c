"""TODO mocks."""
