"""``matcalc identities``: the table, and its verification."""
