"""The identity table: its entries, read, checked, matched and used as rewrites; facts that follow from others."""
