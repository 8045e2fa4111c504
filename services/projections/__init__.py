"""What the events add up to: the course of a case, a therapist's caseload and summary, and the views that keep them."""
