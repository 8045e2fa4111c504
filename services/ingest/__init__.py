"""May this happen? Accepts what record systems post, and puts it on the log."""
