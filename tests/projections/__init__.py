"""What the events of a case add up to."""
