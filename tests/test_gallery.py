"""Every loss of the gallery is derived and verified; the build of the site does the same, with all that it shows."""

from __future__ import annotations

import pytest

import matcalc
from docs.site import gallery
from matcalc.language.parse import parse

TOPICS = gallery.topics()
ENTRIES = [entry for topic in TOPICS for entry in topic.entries]
NAMES = [f"{topic.name}/{entry.id}" for topic in TOPICS for entry in topic.entries]


@pytest.mark.parametrize("entry", ENTRIES, ids=NAMES)
def test_a_loss_is_derived_and_verified(entry: gallery.Entry) -> None:
    d = entry.derive()

    assert d.verify()
    if not d.definitions and isinstance(entry.names, str):
        assert parse(d.text(), d.kinds) is d.answer
    assert entry.title[0].isupper()
    assert entry.says.endswith(".")


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.hessian], ids=lambda e: e.id)
def test_a_hessian_is_verified(entry: gallery.Entry) -> None:
    assert entry.derive(order=2).verify()


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.solve], ids=lambda e: e.id)
def test_a_stationary_point_is_found(entry: gallery.Entry) -> None:
    solution = matcalc.solve(entry.f, entry.names, entry.declare)

    assert solution
    assert solution.verify()


def test_the_gallery_is_wide() -> None:
    assert len(ENTRIES) >= 110
    assert len(TOPICS) >= 13
    assert {path.stem for path in gallery.FOLDER.glob("*.toml")} == set(gallery.TOPICS)
    for topic in TOPICS:
        ids = [entry.id for entry in topic.entries]
        assert len(ids) == len(set(ids)) >= 6


def test_what_the_page_says_of_an_entry() -> None:
    said = gallery.shown(next(e for e in ENTRIES if e.id == "ridge"))

    assert said["text"] == "2*(lambda*w + X'*(X*w - y))"
    assert said["verified"].startswith("verified: largest residual ")
    assert '<span class="nf">gradient</span>' in said["code"]
    assert said["solution_says"][0].startswith("minimum")
    assert "--wrt w" in said["command"]


def test_a_wrong_answer_or_entry_stops_the_build(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:  # type: ignore[no-untyped-def]
    entry = gallery.Entry("square", "Square", "A square.", "x'*x", "x")
    right = entry.derive()
    assert gallery.verified(right, entry)

    other = matcalc.derive("3*x'*x", "x")
    object.__setattr__(other, "loss", right.loss)
    with pytest.raises(gallery.NotVerified, match="square"):
        gallery.verified(other, entry)
    (tmp_path / "new.toml").write_text('title = "T"\nsays = "S"\n[a]\ntitle = "A"\nsay = "?"\n')
    monkeypatch.setattr(gallery, "FOLDER", tmp_path)
    with pytest.raises(ValueError, match="unknown say"):
        gallery.load("new")
