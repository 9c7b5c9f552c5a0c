"""Whether the page of a service helped: one tap, counted by service, day and answer."""
