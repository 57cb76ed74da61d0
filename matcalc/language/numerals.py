"""Exact numbers in decimal spelling: 0.37 and 1.5e-8, but 1/4 and 2/3 stay fractions."""

from __future__ import annotations

from fractions import Fraction

from matcalc.errors import LimitError

MAX_DIGITS = 4000


def numeral(value: Fraction) -> str | None:
    """The decimal spelling of a number that is not negative, or None if it is better written as a fraction.

    Decimals are for denominators that divide a power of ten and are divisible by ten: 0.37, but 1/4.
    """
    p, q = value.numerator, value.denominator
    if max(p, q).bit_length() > MAX_DIGITS * 3.3:
        raise LimitError(f"a number of more than {MAX_DIGITS} digits cannot be written")
    if q == 1:
        digits = str(p)
        short = digits.rstrip("0")
        return f"{short}e{len(digits) - len(short)}" if len(digits) - len(short) > 15 else digits
    if q % 10:
        return None
    places, power = 0, 1
    while power % q:
        power *= 10
        places += 1
        if places > q.bit_length():
            return None  # a prime other than 2 and 5 divides q
    digits = str(p * (power // q))
    if places - len(digits) > 4:
        point = f".{digits[1:]}" if len(digits) > 1 else ""
        return f"{digits[0]}{point}e-{places - len(digits) + 1}"
    digits = digits.rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}"
