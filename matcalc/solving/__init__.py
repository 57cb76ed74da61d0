"""Where a gradient vanishes: linear and other matrix equations, constraints, the kind of the point."""
