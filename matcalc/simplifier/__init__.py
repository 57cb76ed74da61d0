"""Short forms: products, sums and functions of them, by length and in a fixed order."""
