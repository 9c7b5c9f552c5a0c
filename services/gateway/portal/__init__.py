"""The pages that citizens see, made on the server; they need no script."""
