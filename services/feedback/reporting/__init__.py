"""What agencies owe each month: how they bring it, whether it came, and whether it can be true."""
