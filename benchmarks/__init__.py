"""How fast the generated code and the engine are: ``python -m benchmarks``."""
