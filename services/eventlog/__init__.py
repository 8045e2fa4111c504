"""It happened: the ordered log of events, the promise it makes, and the loop that follows it."""
