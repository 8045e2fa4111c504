"""What is true of the house. A package, as a dependency installs one of the same name that would be found instead."""
