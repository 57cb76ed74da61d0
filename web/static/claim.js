// "Check your own answer": a claim, and what is said of it.

import { Refused, ask } from "./api.js";
import { problemCard, short } from "./answer.js";
import { byId, el } from "./dom.js";
import { box, formula } from "./formula.js";

/** The field; `question()` is what the claim is about, or null; `changed(claim)` is told what is typed. */
export class Claim {
  constructor({ question, changed }) {
    this.question = question;
    this.changed = changed;
    this.field = byId("claim");
    this.result = byId("claim-result");
    this.asking = null;
    byId("check").addEventListener("submit", (event) => {
      event.preventDefault();
      this.check();
    });
  }

  get judged() { return this.result.hasChildNodes(); }

  /** Another claim, not yet judged. */
  set text(value) {
    this.asking?.abort();
    this.field.value = value;
    this.result.replaceChildren();
  }

  async check() {
    this.asking?.abort();
    this.changed(this.field.value);
    const question = this.question();
    if (!this.field.value.trim() || !question) {
      this.result.replaceChildren();
      return;
    }
    this.asking = new AbortController();
    const { signal } = this.asking;
    try {
      await ask("check", { ...question, claim: this.field.value }, signal, (part) => {
        this.result.replaceChildren(...(part.part === "error" ? [problemCard(part)] : verdict(part)));
      });
    } catch (error) {
      if (error.name === "AbortError") return;
      this.result.replaceChildren(problemCard(error instanceof Refused ? error.part : { kind: "died", shown: "The server does not answer." }));
    }
  }
}

function verdict(part) {
  if (part.holds) {
    return [el("p", { class: "right" }, el("strong", {}, "✓ It holds. "),
      part.how.includes("symbolically") ? "Decided symbolically and confirmed by numbers" : "Confirmed by numbers",
      `: residual ${short(part.residual)}, ${part.draws} draws.`)];
  }
  const point = part.report.split("they differ, for example, where\n")[1]?.split("\nwith ")[0];
  return [
    el("p", { class: "wrong" }, el("strong", {}, "✗ It does not hold. "), part.diagnosis.map((said) => `${sentence(said)} `).join("")),
    part.shapes ? el("pre", { class: "message" }, part.shapes) : null,
    part.right ? el("div", { class: "rightform" }, el("span", {}, "Right form:"),
      part.mathml ? box("Right form", formula(part.mathml, part.right)) : el("code", {}, part.right)) : null,
    point ? el("details", {}, el("summary", {}, "A point where they differ"), el("pre", { class: "message" }, point)) : null,
  ].filter(Boolean);
}

function sentence(text) {
  return `${text[0].toUpperCase()}${text.slice(1)}${text.endsWith(".") ? "" : "."}`;
}
