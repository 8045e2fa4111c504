"""Whether someone should know: named reasons, the life of an alert as events, and the mail that tells."""
