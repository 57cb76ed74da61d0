// The page: what is typed is read as one types, and derived when it can be read.

import { Answer, announceAnswer, problemCard, short } from "./answer.js";
import { Refused, ask, pageData } from "./api.js";
import { announce, byId, choices, closesOutside, copy, el } from "./dom.js";
import { Editor, assigned, redeclared } from "./editor.js";
import { drawExamples, drawHelp } from "./library.js";
import { box, formula } from "./formula.js";
import { KindDialog, drawNames, usual } from "./names.js";
import { EMPTY, fromFragment, toFragment } from "./state.js";

const PAUSE = 180; // milliseconds without a key before the text is read

const OPTIONS = [
  ["order", "Derivative", { 1: "First", 2: "Hessian" }],
  ["layout", "Layout", { gradient: "Gradient", numerator: "Numerator" }],
  ["form", "Form", { factored: "Factored", expanded: "Expanded" }],
  ["where", "Names for parts", { auto: "If long", never: "Never", always: "Always" }],
  ["structure", "By a structured matrix", { auto: "As usual", projected: "Projected", tied: "Tied", free: "Free" }],
  ["transpose", "Transpose", { top: "⊤", T: "T", prime: "′" }],
  ["bold", "Bold", { none: "None", vectors: "Vectors", arrays: "All" }],
  ["hadamard", "Elementwise product", { odot: "⊙", circ: "∘" }],
  ["trace", "Trace", { operatorname: "Operator", tr: "Roman" }],
];
const HIDDEN = OPTIONS.map(([key]) => key).filter((key) => key !== "order" && key !== "layout");

let state = fromFragment(location.hash);
let page = null;
let found = null; // what the reader made of the text
let timer = 0;
let reading = null;
let deriving = null;
let checking = null;

const editor = new Editor({ change: typed, line: lookAtLine });
const answer = new Answer(state, {
  changed: (what) => { Object.assign(state, what); save(); },
  look: lookAtName,
  go: (name) => { const line = editor.lineOf(name); if (line !== null) editor.goTo(line); },
});
let kinds = null;

// --- what the user does ------------------------------------------------------------------------

function typed(text) {
  state.function = text;
  later(PAUSE);
}

function later(pause) {
  clearTimeout(timer);
  timer = setTimeout(read, pause);
}

function choose(name) {
  if (!found) return;
  const on = state.wrt.includes(name);
  if (state.several) state.wrt = on ? state.wrt.filter((other) => other !== name) : [...state.wrt, name];
  else state.wrt = [name];
  showNames();
  save();
  derive();
}

function declare(name, kind) {
  const changed = name.here && kind !== null ? redeclared(state.function, name.name, kind) : null;
  if (changed !== null) {
    state.function = changed;
    editor.text = changed;
  } else if (kind === null) delete state.declare[name.name];
  else state.declare[name.name] = kind;
  later(0);
}

function option(key, value) {
  state[key] = value;
  save();
  derive();
  check();
}

/** Another question altogether: an example, or a link. */
function load(next) {
  state = next;
  answer.state = state;
  found = null;
  editor.text = state.function;
  byId("claim").value = state.claim;
  byId("claim-result").replaceChildren();
  showOptions();
  save();
  read();
}

function save() {
  history.replaceState(null, "", state.function ? toFragment(state) : location.pathname);
}

// --- reading -----------------------------------------------------------------------------------

async function read() {
  clearTimeout(timer);
  save();
  reading?.abort();
  reading = new AbortController();
  if (!state.function.trim()) {
    nothing();
    return;
  }
  try {
    await ask("parse", { function: state.function, declare: state.declare }, reading.signal, understood);
  } catch (error) {
    failed(error, read);
  }
}

function nothing() {
  deriving?.abort();
  found = null;
  answer.clear();
  editor.mark({ problem: null, chosen: [] });
  byId("function-problem").textContent = "";
  byId("function-hint").hidden = false;
  for (const id of ["names-field", "options", "check", "tabs", "badge"]) byId(id).hidden = true;
  byId("answer-title").textContent = "Answer";
  byId("answer").classList.remove("stale");
  byId("answer-body").replaceChildren(welcome());
}

function understood(part) {
  if (part.part === "error") {
    deriving?.abort();
    busy(false);
    const here = part.place === "function";
    editor.mark({ problem: here ? part.position : null });
    byId("function-problem").textContent = part.shown;
    byId("function-hint").hidden = true;
    byId("function").setAttribute("aria-invalid", "true");
    byId("answer").classList.add("stale");
    if (!found) showDeclared();
    if (!answer.there) byId("answer-body").replaceChildren(el("p", { class: "hint" }, "As soon as the function can be read, its derivative stands here."));
    return;
  }
  found = part;
  byId("function-problem").textContent = "";
  byId("function").setAttribute("aria-invalid", "false");
  byId("function-hint").hidden = false;
  byId("function-hint").textContent = [`Its value is a ${part.shape}.`, ...part.notes.map((note) => `${note}.`)].join(" ");
  const known = new Set([...part.names.map((name) => name.name), ...part.lines]);
  state.wrt = state.wrt.filter((name) => known.has(name.replace(/\[.*/, "")));
  if (!state.wrt.length) state.wrt = [usual(part.names)].filter(Boolean);
  if (state.wrt.length > 1) state.several = true;
  for (const name of Object.keys(state.declare)) if (!known.has(name)) delete state.declare[name];
  showNames();
  showOptions();
  save();
  derive();
}

// --- deriving ----------------------------------------------------------------------------------

async function derive() {
  deriving?.abort();
  if (!found) return;
  if (!state.wrt.length) {
    answer.clear();
    const none = found.names.length ? "Choose a name to differentiate by." : "There is no name to differentiate by.";
    answer.take({ part: "error", kind: "unsupported", shown: none });
    answer.draw();
    return;
  }
  deriving = new AbortController();
  const { signal } = deriving;
  const { function: text, wrt, declare: declared, claim, tab, target, several, ...options } = state;
  let first = true;
  busy(true);
  try {
    await ask("derive", { function: text, wrt, declare: declared, ...options }, signal, (part) => {
      if (signal.aborted) return;
      if (first) answer.clear();
      first = false;
      answer.take(part);
      draw();
    });
    if (signal.aborted) return;
    busy(false);
    answer.draw();
    if (answer.problem) announce(answer.problem.message);
    announceAnswer(answer.parts);
    if (state.claim && !byId("claim-result").hasChildNodes()) check();
  } catch (error) {
    if (!signal.aborted) busy(false);
    failed(error, derive);
  }
}

let drawing = 0;

function draw() {
  cancelAnimationFrame(drawing);
  drawing = requestAnimationFrame(() => {
    byId("answer").classList.remove("stale");
    answer.draw();
  });
}

function busy(on) {
  byId("answer").setAttribute("aria-busy", String(on));
  byId("progress").hidden = !on;
  if (!on) byId("answer").classList.remove("stale");
}

/** The server refused, or is not there. */
function failed(error, again) {
  if (error.name === "AbortError") return;
  const part = error instanceof Refused ? error.part : { kind: "died", shown: "The server does not answer. Is matcalc serve still running?" };
  byId("answer-body").replaceChildren(problemCard(part));
  announce(part.shown);
  if (part.kind === "busy") setTimeout(again, part.seconds * 1000);
}

async function check(event) {
  event?.preventDefault();
  checking?.abort();
  state.claim = byId("claim").value;
  save();
  const result = byId("claim-result");
  if (!state.claim.trim() || !found || state.wrt.length !== 1) {
    result.replaceChildren();
    return;
  }
  checking = new AbortController();
  const { signal } = checking;
  const { function: text, wrt, declare: declared, claim, layout, structure, order } = state;
  try {
    await ask("check", { function: text, wrt, declare: declared, claim, layout, structure, order }, signal, (part) => {
      result.replaceChildren(...(part.part === "error" ? [problemCard(part)] : verdict(part)));
    });
  } catch (error) {
    if (error.name !== "AbortError") result.replaceChildren(problemCard(error.part ?? { shown: "The server does not answer." }));
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

/** Before anything could be read: what a link declares, so that it can be changed. */
function showDeclared() {
  const names = Object.entries(state.declare).map(([name, kind]) => ({ name, kind, form: "matrix", dims: [], facts: [] }));
  byId("names-field").hidden = !names.length;
  drawNames({
    names, lines: [], wrt: state.wrt, several: false, choose,
    edit: (name, opener) => kinds.open(name, opener, (kind) => declare(name, kind)),
  });
}

// --- what is shown -----------------------------------------------------------------------------

function showNames() {
  if (!found) return;
  byId("names-field").hidden = !found.names.length;
  byId("several").replaceChildren(choices("several", "How many", [["one", "One"], ["several", "Several"]],
    state.several ? "several" : "one", (value) => {
      state.several = value === "several";
      if (!state.several) state.wrt = state.wrt.slice(0, 1);
      showNames();
      byId("several").querySelector("input:checked").focus();
      save();
      derive();
    }, { hideLegend: true }));
  drawNames({
    names: found.names, lines: found.lines, wrt: state.wrt, several: state.several, choose,
    edit: (name, opener) => kinds.open(name, opener, (kind) => declare(name, kind)),
  });
  editor.mark({ problem: null, chosen: state.wrt });
}

function showOptions() {
  if (document.activeElement?.closest?.("#options")) return;
  byId("options").hidden = !found;
  for (const [key, legend, labels] of OPTIONS) {
    const choice = choices(key, legend, Object.entries(labels), state[key], (value) => option(key, value));
    byId(`option-${key}`).replaceChildren(choice);
  }
  if (HIDDEN.some((key) => state[key] !== EMPTY[key])) byId("more-options").open = true;
}

function lookAtLine(number) {
  const name = number === null ? null : assigned(editor.text.split("\n")[number] ?? "");
  answer.graph?.highlight(name);
  if (editor.marked !== null) editor.mark({ line: null });
  if (name && answer.graph?.isConnected) editor.mark({ line: number });
}

function lookAtName(name) {
  answer.graph?.highlight(name);
  editor.mark({ line: name === null ? null : editor.lineOf(name) });
}

function welcome() {
  const shown = [0, 1, 2].map((i) => page?.examples[i]?.example?.[i ? 1 : 0]).filter(Boolean);
  return el("div", { class: "welcome" },
    el("p", {}, "Type a function of vectors and matrices. The gradient, Jacobian or Hessian comes in closed form, with the steps, code, and a check by numbers."),
    el("ul", {}, shown.map((example) => el("li", {},
      el("button", { type: "button", class: "example", onclick: () => loadExample(example) },
        el("span", {}, example.title), el("code", {}, example.function))))));
}

function loadExample(example) {
  byId("examples").close?.();
  load({
    ...structuredClone(EMPTY),
    function: example.function.trim(), wrt: [example.wrt].flat(), several: Array.isArray(example.wrt),
    declare: { ...example.declare }, order: String(example.order ?? 1), tab: state.tab, target: state.target,
    transpose: state.transpose, bold: state.bold, hadamard: state.hadamard, trace: state.trace,
  });
  editor.field.focus({ preventScroll: true });
}

// --- the beginning -----------------------------------------------------------------------------

byId("skip").addEventListener("click", (event) => {
  event.preventDefault(); // the fragment is the state
  byId("answer").focus();
});
byId("copy-link").addEventListener("click", () => {
  save();
  copy(location.href, "Link");
});
byId("check").addEventListener("submit", check);
editor.field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) read();
});
window.addEventListener("hashchange", () => load(fromFragment(location.hash)));
for (const id of ["examples", "help"]) {
  closesOutside(byId(id));
  byId(`open-${id}`).addEventListener("click", () => byId(id).showModal());
}

editor.text = state.function;
byId("claim").value = state.claim;
if (!state.function) editor.field.focus();
page = await pageData();
kinds = new KindDialog(page.kinds, page.facts);
byId("version").textContent = `matcalc ${page.version}`;
drawExamples(page.examples, loadExample);
drawHelp();
read();
