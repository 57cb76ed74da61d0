"""What the loader refuses, each by a bad entry that provokes it, and what it accepts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from matcalc.errors import TableError
from matcalc.expr import Expr
from matcalc.language.parse import parse, parse_kind
from matcalc.ops import ELEMENTWISE_NAMES, fn, sym
from matcalc.rules.ending import weight
from matcalc.rules.files import SECTIONS, make_entry
from matcalc.rules.spellings import spelling, words
from matcalc.rules.table import Table, default_table, load, load_user

GOOD = """
[cube]
let    = ["s: scalar"]
from   = "s*s*s"
to     = "s^3"
source = ["definition"]
"""


def refusal(tmp_path: Path, text: str, name: str = "mine.toml") -> str:
    """The message with which a file of this content is refused."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    with pytest.raises(TableError) as caught:
        load(file)
    return str(caught.value)


def entry(**changes: str | None) -> str:
    """A good differential with some fields changed, or left out by None."""
    fields: dict[str, str | None] = {
        "says": '"square"',
        "let": '["A: matrix(n, n)"]',
        "of": '"expm(A)"',
        "d": '"expm(A)*dA"',
        "source": '["definition"]',
    }
    fields.update(changes)
    return "[mine]\n" + "".join(f"{name} = {value}\n" for name, value in fields.items() if value is not None)


BAD = {
    "missing field": (entry(source=None), "source: is missing"),
    "unknown field": (entry(latex='"x"'), "latex: is not a field of a differential"),
    "no kind": ('[mine]\nlet = ["A: scalar"]\nsource = ["x"]\n', "none of the fields that tell its kind"),
    "wrong type": (entry(source='"definition"'), "source: must be a list of texts"),
    "empty source": (entry(source="[]"), "source: must be a list of texts"),
    "outside an entry": ('title = "x"\n', "stands outside an entry"),
    "not TOML": ("[mine\n", "not valid TOML"),
    "bad id": (entry().replace("[mine]", "[Mine_1]"), "words of small letters"),
    "undeclared symbol": (entry(d='"expm(B)*dA"'), "d: B is not declared in let"),
    "unused symbol": (entry(let='["A: matrix(n, n)", "B: matrix(n, n)"]'), "let: B is declared but not used"),
    "declared twice": (entry(let='["A: matrix(n, n)", "A: scalar"]'), "let: A is declared twice"),
    "not a declaration": (entry(let='["A"]'), "let: 'A' is not of the form"),
    "bad kind": (entry(let='["A: matriz(n, n)"]'), "let: cannot be read"),
    "unreadable": (entry(d='"expm(A)*("'), "d: cannot be read"),
    "shapes inside": (entry(let='["A: matrix(m, n)"]', of='"A\'"', d='"dA*A"'), "d: cannot be read"),
    "shape of d": (entry(d='"tr(dA)"'), "d: has shape scalar; of has n x n"),
    "constant d": (entry(d='"expm(A)"'), "d: is not linear"),
    "affine d": (entry(d='"dA + A"'), "d: is not linear in the differentials, because of 'add'"),
    "quadratic d": (entry(d='"dA*dA"'), "d: is not linear in the differentials, because of 'mul'"),
    "d inside a function": (entry(d='"expm(dA)"'), "d: is not linear in the differentials, because of 'mfn'"),
    "unknown dimension": (entry(d='"expm(A)*dA*ones(n, k)*ones(k, n)"'), "d: uses k, a dimension"),
    "compound operation": (entry(of='"expm(A*A)"'), "of: must be one operation on plain variables"),
    "name of a differential": (entry(let='["A: matrix(n, n)", "dA: scalar"]', of='"dA*A"'), "name of a differential"),
    "condition": (entry(domain='["A is nice"]'), "domain: 'A is nice' does not end in one of"),
    "kink without a value": (entry(kink='["A == 0"]'), "at: is missing"),
    "fixed": (entry(fixed='["B"]'), "fixed: B is not declared in let"),
    "same operation": (entry() + entry().replace("[mine]", "[other]"), "mine in mine.toml is for the same operation"),
    "longer rewrite": (GOOD.replace('"s*s*s"', '"s^3"').replace('to     = "s^3"', 'to = "s*s*s"'), "is not smaller"),
    "more occurrences": (
        '[mine]\nlet = ["s: scalar", "t: scalar"]\nfrom = "exp(t)*log(s)*log(2)*7"\nto = "s*s + t"\nsource = ["x"]\n',
        "s occurs 2 times, in from 1 times",
    ),
    "shapes of a rewrite": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nfrom = "exp(log(A))"\nto = "A\'"\nsource = ["x"]\n',
        "to: has shape n x m; from has m x n",
    ),
    "undetermined": (
        '[mine]\nlet = ["s: scalar", "t: scalar"]\nfrom = "exp(log(s))"\nto = "t"\nsource = ["x"]\n',
        "t is declared but not used",
    ),
    "unknown fact": ('[mine]\nif = "nice"\nthen = "symmetric"\nsource = ["x"]\n', "if: 'nice' is not a fact"),
    "half a property": ('[mine]\nthen = "symmetric"\nsource = ["x"]\n', "let: is missing"),
    "circle": (
        '[mine]\nif = "spd"\nthen = "psd"\nsource = ["x"]\n[other]\nif = "psd"\nthen = "spd"\nsource = ["x"]\n',
        "goes in a circle",
    ),
    "contradiction": (
        '[mine]\nif = "spd"\nthen = "psd"\nsource = ["x"]\n[other]\nif = "spd"\nthen = "not psd"\nsource = ["x"]\n',
        "contradicts the others, by which spd implies psd",
    ),
    "gradient of a matrix": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "A"\nwrt = "A"\ngradient = "A"\nsource = ["x"]\n',
        "f: must be a scalar, not m x n",
    ),
    "shape of a gradient": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "sum(A)"\nwrt = "A"\ngradient = "A\'"\nsource = ["x"]\n',
        "gradient: has shape n x m; wrt has m x n",
    ),
    "wrt": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "sum(A)"\nwrt = "B"\ngradient = "A"\nsource = ["x"]\n',
        "wrt: B is not declared in let",
    ),
    "gradient of another convention": (
        '[mine]\nlet = ["A: symmetric(n)"]\nf = "sum(A)"\nwrt = "A"\ngradient = "A"\n'
        'structure = "loose"\nsource = ["x"]\n',
        "structure: 'loose' is not a convention",
    ),
    "Hessian of tied entries": (
        '[mine]\nlet = ["A: symmetric(n)"]\nf = "sum(A)"\nwrt = "A"\ngradient = "A"\nhessian = "kron(A, A)"\n'
        'structure = "tied"\nsource = ["x"]\n',
        "hessian: is not stated for tied entries",
    ),
    "Jacobian of a scalar": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "sum(A)"\nwrt = "A"\njacobian = "A"\nsource = ["x"]\n',
        "f: is a scalar: its derivative is a gradient",
    ),
    "shape of a Jacobian": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "A\'"\nwrt = "A"\njacobian = "kron(A, A)"\nsource = ["x"]\n',
        "jacobian: has shape m*m x n*n; expected m*n x m*n",
    ),
    "shape of a Jacobian by a scalar": (
        '[mine]\nlet = ["A: matrix(m, n)", "t: scalar"]\nf = "t*A"\nwrt = "t"\njacobian = "vec(A)"\nsource = ["x"]\n',
        "jacobian: has shape m*n x 1; expected m x n",
    ),
    "variable of a Jacobian": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "A"\nwrt = "B"\njacobian = "eye(m*n)"\nsource = ["x"]\n',
        "wrt: B is not declared in let",
    ),
    "unused symbol of a Jacobian": (
        '[mine]\nlet = ["A: matrix(m, n)", "B: scalar"]\nf = "A"\nwrt = "A"\njacobian = "eye(m*n)"\nsource = ["x"]\n',
        "let: B is declared but not used",
    ),
    "gradient and Jacobian": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "A"\nwrt = "A"\njacobian = "eye(m*n)"\n'
        'gradient = "A"\nsource = ["x"]\n',
        "gradient: is not a field of a jacobian",
    ),
    "right side of a Jacobian": (
        '[mine]\nlet = ["A: matrix(m, n)"]\nf = "A"\nwrt = "A"\njacobian = "2*eye(m*n)"\n'
        'right = "A"\nwhy = "x"\nsource = ["x"]\n',
        "right: does not have the shape of the false side",
    ),
    "erratum without a claim": ('[mine]\nlet = ["s: scalar"]\nwhy = "x"\nsource = ["x"]\n', "claim: is missing"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_wrong_entry_is_refused_with_file_id_and_field(tmp_path: Path, name: str) -> None:
    text, expected = BAD[name]

    message = refusal(tmp_path, text)

    assert expected in message
    assert message.startswith("mine.toml: ")


def test_an_id_is_used_once_in_all_files(tmp_path: Path) -> None:
    (tmp_path / "rewrites").mkdir()
    (tmp_path / "rewrites" / "a.toml").write_text(GOOD, encoding="utf-8")
    (tmp_path / "errata.toml").write_text(
        '[cube]\nif = "symmetric"\nthen = "spd"\nwhy = "x"\nsource = ["x"]\n', encoding="utf-8"
    )

    with pytest.raises(TableError, match=re.escape("errata.toml: [cube] id: already used in a.toml")):
        load(tmp_path)


def test_an_id_of_ours_is_not_free(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD.replace("[cube]", "[inv]"), encoding="utf-8")

    with pytest.raises(TableError, match=re.escape("[inv] id: already used in")):
        load_user(file)


def test_a_users_differential_for_an_operation_of_ours_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(entry(of='"inv(A)"', d='"-inv(A)*dA*inv(A)"'), encoding="utf-8")

    with pytest.raises(TableError, match=re.escape("[mine] of: inv in differentials.toml is for the same operation")):
        load_user(file)


def test_a_file_for_one_kind_holds_no_other(tmp_path: Path) -> None:
    (tmp_path / "differentials.toml").write_text(GOOD, encoding="utf-8")

    with pytest.raises(TableError, match="is not one of the differentials"):
        load(tmp_path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="no such file"):
        load(tmp_path / "absent.toml")


def test_a_file_that_is_not_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_bytes(b"\xff\xfe\x00")

    with pytest.raises(TableError, match="not valid TOML"):
        load(file)


def test_a_good_file_loads(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD, encoding="utf-8")
    table = load(file)

    assert list(table.rewrites) == ["cube"]
    assert table["cube"].source == ("definition",)
    with pytest.raises(KeyError):
        table["inv"]


def test_a_users_table_has_our_entries_too(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(GOOD, encoding="utf-8")
    table = load_user(file)

    assert "cube" in table.rewrites
    assert table["inv"] is default_table()["inv"]
    assert set(table.differentials) == set(default_table().differentials)


def test_our_own_table_passes_every_check() -> None:
    table = default_table()
    table.check()

    assert all(getattr(table, section) for section in SECTIONS)


def test_nothing_is_parsed_before_it_is_needed(tmp_path: Path) -> None:
    """A file is trusted until one of its entries is used; then the entry is refused."""
    file = tmp_path / "mine.toml"
    file.write_text(entry(d='"nonsense("'), encoding="utf-8")
    table = Table({"": (file,)})

    found = table.differentials["mine"]
    assert found.says == "square"
    with pytest.raises(TableError, match="cannot be read"):
        _ = found.d


def lookup(text: str, **kinds: str) -> str | None:
    found = default_table().differential(parse(text, kinds))
    return found.id if found else None


def test_lookup_is_by_operation_and_shape() -> None:
    kinds = {"x": "vector(n)", "r": "row(n)", "A": "matrix(m, n)", "s": "scalar"}

    assert lookup("norm2(x)", **kinds) == "norm2-of-vector"
    assert lookup("norm2(r)", **kinds) == "norm2"
    assert lookup("norm2(A)", **kinds) == "norm2"
    assert lookup("softmax(x)", **kinds) == "softmax-of-vector"
    assert lookup("softmax(r)", **kinds) == "softmax-of-row"
    assert lookup("softmax(A, axis=1)", **kinds) == "softmax-of-rows"
    assert lookup("sum(A, axis=0)", **kinds) == "column-sums"
    assert lookup("exp(A)", **kinds) == "exponential"
    assert lookup("exp(s)", **kinds) == "exponential"
    assert lookup("A .^ 3", **kinds) == "power"
    assert lookup("max(A, 0)", **kinds) == "larger"
    assert lookup("max(A)", **kinds) == "largest-entry"
    assert lookup("x >= 0", **kinds) == "comparison"
    assert lookup("diag(r)", **kinds) == "diagonal-matrix-of-row"
    assert lookup("sinm_frechet(A, A)", A="matrix(n, n)") == "matrix-sine-derivative"


def test_there_is_no_differential_of_trigamma() -> None:
    assert default_table().differential(fn("trigamma", sym("s", parse_kind("scalar")))) is None


def test_every_elementwise_function_but_trigamma_has_one() -> None:
    s = sym("s", parse_kind("scalar"))
    missing = [name for name in ELEMENTWISE_NAMES if default_table().differential(fn(name, s)) is None]

    assert missing == ["trigamma"]


def test_words_and_spellings() -> None:
    assert spelling(" inverse(A)") == "inv"
    assert spelling("A*B") == ""
    assert words("log(exp(x)) + ones(n, 1)*trace (A)") == {"log", "exp", "tr"}


def test_the_weight_prefers_a_transpose_to_an_inverse() -> None:
    q: Expr = sym("Q", parse_kind("orthogonal(n)"))

    assert weight(parse("Q'", {"Q": "orthogonal(n)"})) < weight(parse("inv(Q)", {"Q": "orthogonal(n)"}))
    assert weight(q) == (1, 1)


def test_a_pattern_has_a_limit() -> None:
    deep = "exp(" * 3000 + "s" + ")" * 3000
    found = make_entry("deep", "mine.toml", {"let": ["s: scalar"], "from": deep, "to": "s", "source": ["x"]})

    with pytest.raises(TableError, match="from: is too large for a pattern"):
        found.check()
