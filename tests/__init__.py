"""What is true of the house. A package, as a dependency installs a package `tests` of its own, which would be found instead."""
