"""How would it answer? Networks to try everything in, with a clock that can be moved."""
