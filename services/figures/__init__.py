"""What the cases of a network say taken together: norms, therapists' figures, and what followed renegotiations."""
