"""matcalc: closed-form matrix derivatives, printed short, with code and proof."""
