"""Whom else is told? The same items as the feed, sent to the addresses that record systems registered."""
