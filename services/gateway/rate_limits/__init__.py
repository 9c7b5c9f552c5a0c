"""How many requests a key or an address may send, whichever replica they meet."""
