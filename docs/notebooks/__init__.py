"""The example notebooks: ``python -m docs.notebooks`` runs them."""
