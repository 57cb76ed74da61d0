// The answer: the formula, where it holds, whether numbers agree, and tabs with all the rest.

import { announce, byId, choices, copyButton, el, kept } from "./dom.js";
import { box, formula } from "./formula.js";
import { picture } from "./graph.js";
import { colored } from "./python.js";
import { tabs } from "./tabs.js";
import { isClaimable } from "./variables.js";

const TARGETS = { numpy: "NumPy", scipy: "SciPy", jax: "JAX", torch: "PyTorch", "array-api": "Array API" };
const WHAT = { gradient: "Gradient", jacobian: "Jacobian", hessian: "Hessian", point: "Stationary point" };

const KINDS = { minimum: "Minimum", maximum: "Maximum", saddle: "Saddle", undecided: "Kind of point" };

/** What has come of an answer so far, drawn anew when another part comes. */
export class Answer {
  constructor(state, { changed, look, go }) {
    this.state = state;
    this.changed = changed;
    this.look = look;
    this.go = go;
    this.graph = null;
    this.clear();
  }

  clear() {
    this.parts = {};
    this.problem = null;
  }

  /** The first part of another answer: nothing of the old one is left. */
  take(part) {
    if (part.part === "error") this.problem = part;
    else this.parts[part.part] = part;
  }

  /** "Gradient by x". */
  get title() {
    const { answer } = this.parts;
    if (!answer) return "Answer";
    return `${WHAT[answer.what] ?? "Derivative"} ${answer.what === "point" ? "in" : "by"} ${answer.wrt.join(", ")}`;
  }

  get there() { return Boolean(this.parts.answer); }

  draw() {
    const { answer, verdict } = this.parts;
    this.head(answer, verdict);
    if (!answer) {
      byId("answer-body").replaceChildren(this.problem ? problemCard(this.problem) : "");
      byId("check").hidden = true;
      byId("tabs").hidden = true;
      return;
    }
    byId("answer-body").replaceChildren(...kept([
      box(this.title, formula(answer.mathml, answer.pretty)),
      el("div", { class: "row copies" },
        copyButton(() => answer.latex, "LaTeX"),
        copyButton(() => answer.text, "text"),
        copyButton(() => answer.mathml, "MathML")),
      this.remarks(answer),
      this.problem ? problemCard(this.problem) : null]));
    byId("check").hidden = answer.wrt.length > 1 || answer.what === "point" || !isClaimable(answer.wrt[0]);
    this.drawTabs();
  }

  head(answer, verdict) {
    byId("answer-title").textContent = this.title;
    const badge = byId("badge");
    badge.hidden = !answer || (!verdict && Boolean(this.problem));
    if (answer?.closed === false) {
      badge.className = "badge waiting";
      badge.replaceChildren(el("strong", {}, "no closed form was found"));
      return;
    }
    badge.className = !verdict ? "badge waiting" : verdict.holds ? "badge" : "badge failed";
    const numbers = verdict?.holds ? ` residual ${short(verdict.residual)}, ${verdict.draws} draws` : "";
    badge.replaceChildren(
      el("strong", {}, !verdict ? "verifying" : verdict.holds ? "✓ verified" : "✗ not verified"),
      verdict?.holds ? el("span", {}, numbers) : verdict ? el("span", {}, ` ${verdict.reason}`) : "");
  }

  remarks(answer) {
    const facts = this.parts.facts?.facts ?? [];
    const rows = [
      ...(answer.closed ? [["Stationary where", answer.equations]] : []),
      ...(answer.points ?? []).map(({ place, kind, why }) => [
        KINDS[kind] ?? kind, [[place, why.join("; ")].filter(Boolean).join(": ")]]),
      ...(answer.conditions.length ? [["Holds where", answer.conditions]] : []),
      ...(facts.length ? [["Uses that", facts]] : []),
      ...(answer.notes.length ? [["Note", answer.notes]] : []),
      ...(answer.layout ? [["Layout", [answer.layout]]] : []),
      ...(answer.shape?.length > 2 ? [["Shape", [answer.shape.join(" × ")]]] : []),
    ];
    return el("dl", { class: "remarks" }, rows.map(([term, said]) =>
      el("div", {}, el("dt", {}, term), said.map((line) => el("dd", {}, line)))));
  }

  drawTabs() {
    const { answer, steps, code, forms, graph } = this.parts;
    const panels = [
      steps && { id: "steps", label: "Steps", content: kept(stepsPanel(steps, answer.what === "point")) },
      code && { id: "code", label: "Code", content: this.codePanel(code.code) },
      { id: "latex", label: "LaTeX", content: source(answer.latex, "LaTeX") },
      { id: "text", label: "Text", content: source(answer.text, "text") },
      forms && { id: "forms", label: "Forms", content: formsPanel(forms.forms) },
      graph && { id: "graph", label: "Graph", content: this.graphPanel(graph) },
    ].filter(Boolean);
    const focused = document.activeElement?.id;
    byId("tabs").hidden = false;
    byId("tabs").replaceChildren(...tabs(panels, this.state.tab, (id) => this.changed({ tab: id })));
    if (focused?.startsWith("tab-")) byId(focused)?.focus();
  }

  codePanel(code) {
    const chosen = code[this.state.target] === undefined ? "numpy" : this.state.target;
    const body = el("pre", { class: "source", tabindex: "0", role: "group", "aria-label": "Code" });
    const show = (target) => body.replaceChildren(...colored(code[target].trimEnd()));
    show(chosen);
    let now = chosen;
    return [
      el("div", { class: "row" },
        choices("target", "Library", Object.keys(code).map((target) => [target, TARGETS[target]]), chosen, (target) => {
          now = target;
          show(target);
          this.changed({ target });
        }, { hideLegend: true }),
        copyButton(() => code[now], "code")),
      body,
    ];
  }

  graphPanel(graph) {
    this.graph = picture(graph, { look: this.look, go: this.go });
    return [
      el("div", { class: "picture", role: "group", "aria-label": "Graph", tabindex: "0" }, this.graph),
      el("p", { class: "hint" }, "Along each edge the adjoint that comes back. Point at a quantity to see its line."),
    ];
  }
}

/** What a screen reader hears when the answer is complete. */
export function announceAnswer({ title, parts }) {
  const { answer, verdict } = parts;
  if (!answer) return;
  const said = answer.closed === false ? "No closed form was found." : verdict?.holds ? "Verified." : "Not verified.";
  announce(`${title}: ${answer.pretty}. ${said}`);
}

export function problemCard(problem) {
  const title = {
    unsupported: "No answer", time: "Too long", memory: "Too large", busy: "Busy", fault: "Our mistake", died: "Stopped",
  }[problem.kind] ?? "This cannot be read";
  return el("div", { class: "card", role: "note" },
    el("h3", {}, title),
    el("p", { class: /^ *\^$/m.test(problem.shown) ? "message code" : "message" }, problem.shown));
}

function stepsPanel({ steps, latex, text }, ofPoint) {
  return [
    ofPoint ? el("p", { class: "hint" }, "How the gradient is found; the stationary point is where it vanishes.") : null,
    el("ol", { class: "steps" }, steps.map((step) => el("li", {},
      box("Step", formula(step.mathml, step.pretty)),
      el("p", { class: "why" }, step.why)))),
    el("div", { class: "row copies" }, copyButton(() => latex, "steps as LaTeX"), copyButton(() => text, "steps as text")),
  ];
}

function formsPanel(forms) {
  return forms.map((form) => el("div", { class: "reading" },
    el("div", { class: "row" },
      el("h3", {}, `${form.block ? `${form.block.replace(",", " × ")}: ` : ""}${form.form}`),
      copyButton(() => form.latex, "LaTeX"), copyButton(() => form.text, "text")),
    box(form.form, formula(form.mathml, form.pretty))));
}

function source(text, what) {
  return [
    el("div", { class: "row end" }, copyButton(() => text, what)),
    el("pre", { class: "source wrap", tabindex: "0", role: "group", "aria-label": what }, text),
  ];
}

/** 3.8e-16 as 4·10⁻¹⁶. */
export function short(number) {
  if (number === null || number === undefined) return "none";
  if (number === 0) return "0";
  const [leading, power] = number.toExponential(0).split("e").map(Number);
  const digits = [...String(power)].map((c) => "⁰¹²³⁴⁵⁶⁷⁸⁹"[c] ?? "⁻").join("");
  return `${leading}·10${digits}`;
}
