"""Who works with whom: the network of stakeholders, its measures and its picture."""
