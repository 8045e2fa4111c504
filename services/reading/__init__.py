"""The read API: course, decision, caseload and figures, as they are or as they could be known on a date."""
