"""Comments and complaints as pages: filed, found by the ticket, talked about."""
