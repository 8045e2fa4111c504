"""Whether someone should know, and how they are told."""
