"""A made-up network of clinics: what its record systems would post, from a seed. No client in it exists."""
