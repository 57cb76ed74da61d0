"""SymPy in and out."""
