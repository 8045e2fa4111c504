"""The rule time machine: what a policy would have raised and told over the history that is on the log."""
