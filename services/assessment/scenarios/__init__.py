"""What would bring us there: changes, what they would do, and the cheapest set of them."""
