"""What runs: from an event that is accepted, over the log and its views, to the alert that tells someone."""
