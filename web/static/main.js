// The page: what is typed is read as one types, and derived when it can be read.

import { Answer, announceAnswer, problemCard } from "./answer.js";
import { Refused, ask, pageData } from "./api.js";
import { Claim } from "./claim.js";
import { announce, byId, choices, closesOutside, copy, el } from "./dom.js";
import { Editor, assigned, redeclared } from "./editor.js";
import { fitsPaper } from "./formula.js";
import { drawExamples, drawHelp } from "./library.js";
import { KindDialog, drawNames, drawParts } from "./names.js";
import { Options } from "./options.js";
import { EMPTY, fromFragment, toFragment } from "./state.js";
import { isClaimable, taken, usual } from "./variables.js";

const PAUSE = 180; // milliseconds without a key before the text is read

const greeting = document.querySelector(".welcome p");
let state = fromFragment(location.hash);
let page = null;
let found = null; // what the reader made of the text
let timer = 0;
let reading = null;
let deriving = null;

const editor = new Editor({ change: typed, line: lookAtLine });
const answer = new Answer(state, {
  changed: (what) => { Object.assign(state, what); save(); },
  look: lookAtName,
  go: (name) => { const line = editor.lineOf(name); if (line !== null) editor.goTo(line); },
});
const options = new Options(option);
const claim = new Claim({
  question() {
    if (!found || state.wrt.length !== 1 || state.order === "point" || !isClaimable(state.wrt[0])) return null;
    const { function: text, wrt, declare: declared, layout, structure, order } = state;
    return { function: text, wrt, declare: declared, layout, structure, order };
  },
  changed(typed) { state.claim = typed; save(); },
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
  const on = state.wrt.some((variable) => taken(variable)[0] === name);
  if (state.several) state.wrt = on ? state.wrt.filter((variable) => taken(variable)[0] !== name) : [...state.wrt, name];
  else state.wrt = [name];
  chosen();
}

/** Of a name that is chosen, an entry, a row or a column; without an index all of it. */
function choosePart(name, index) {
  state.wrt = state.wrt.map((variable) => (taken(variable)[0] !== name ? variable : index ? `${name}[${index}]` : name));
  chosen();
}

function chosen() {
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
  if (state[key] === value) return;
  state[key] = value;
  if (state.order === "point") {
    const names = state.wrt.map((variable) => taken(variable)[0]).filter((name) => !found?.lines.includes(name));
    state.wrt = names.length ? [...new Set(names)] : [usual(found?.names ?? [])].filter(Boolean);
  }
  showNames();
  options.draw(state, shape());
  save();
  derive();
  claim.check();
}

/** Another question altogether: an example, or a link. */
function load(next) {
  state = next;
  answer.state = state;
  found = null;
  editor.text = state.function;
  claim.text = state.claim;
  options.draw(state, shape());
  save();
  read();
}

function save() {
  try {
    history.replaceState(null, "", address());
  } catch (error) {
    if (error.name !== "SecurityError") throw error; // Safari takes a hundred in half a minute: the next will do
  }
}

function address() {
  return state.function ? toFragment(state) : location.pathname;
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
  state.wrt = state.wrt.filter((variable) => known.has(taken(variable)[0]));
  if (!state.wrt.length) state.wrt = [usual(part.names)].filter(Boolean);
  if (state.wrt.length > 1) state.several = true;
  const constrained = namesIn(state.subject);
  for (const name of Object.keys(state.declare)) if (!known.has(name) && !constrained.has(name)) delete state.declare[name];
  showNames();
  options.draw(state, shape());
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
  let first = true;
  busy(true);
  if (!answer.there) byId("answer-body").replaceChildren(el("p", { class: "hint soon" }, "Deriving…"));
  try {
    await ask(...question(), signal, (part) => {
      if (signal.aborted) return;
      if (first) answer.clear();
      first = false;
      answer.take(part);
      if (part.part === "answer" && state.subject) showNames();
      draw();
    });
    if (signal.aborted) return;
    busy(false);
    answer.draw();
    if (answer.problem) announce(answer.problem.message);
    announceAnswer(answer);
    if (state.claim && !claim.judged) claim.check();
  } catch (error) {
    if (!signal.aborted) busy(false);
    failed(error, derive);
  }
}

/** What the state asks for. */
function question() {
  const { claim: typed, tab, target, several, order, subject, parts, adjoint, layout, structure, form, where, ...rest } = state;
  if (order === "point") return ["solve", { ...rest, subject }];
  const program = shape().program;
  return ["derive", { ...rest, order, layout, structure, form, where, adjoint, parts: program ? "" : parts }];
}

/** What the options depend on. */
function shape() {
  return { there: Boolean(found), program: Boolean(found?.lines.length) };
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

/** Before anything could be read: what a link declares, so that it can be changed. */
function showDeclared() {
  const names = Object.entries(state.declare).map(([name, kind]) => ({ name, kind, form: "matrix", dims: [], facts: [] }));
  byId("names-field").hidden = !names.length;
  drawNames({
    names, lines: [], wrt: state.wrt, several: false, choose, edit,
  });
}

// --- what is shown -----------------------------------------------------------------------------

/** The names of the function, and of the answer those that only constraints have. */
function showNames() {
  if (!found) return;
  const point = state.order === "point";
  const known = new Set(found.names.map((name) => name.name));
  const constrained = point ? namesIn(state.subject) : new Set();
  const answered = Object.entries(answer.parts.answer?.names ?? {});
  const others = answered.filter(([name]) => constrained.has(name) && !known.has(name)).map(([name, kind]) => (
    { name, kind, form: "matrix", dims: [], facts: [], inferred: !(name in state.declare), constraint: true }));
  const names = [...found.names, ...others];
  byId("names-title").textContent = point ? "Solve for" : "Differentiate by";
  byId("names-field").hidden = !names.length;
  byId("several").replaceChildren(choices("several", "How many", [["one", "One"], ["several", "Several"]],
    state.several ? "several" : "one", (value) => {
      state.several = value === "several";
      if (!state.several) state.wrt = state.wrt.slice(0, 1);
      showNames();
      byId("several").querySelector("input:checked").focus();
      save();
      derive();
    }, { hideLegend: true }));
  drawNames({ names, lines: point ? [] : found.lines, wrt: state.wrt, several: state.several, choose, edit });
  drawParts({ names: found.names, wrt: point ? [] : state.wrt, choose: choosePart });
  editor.mark({ problem: null, chosen: state.wrt.map((variable) => taken(variable)[0]) });
}

function namesIn(text) {
  return new Set(text.match(/[\p{L}_][\p{L}\p{N}_]*/gu));
}

function edit(name, opener) {
  kinds?.open(name, opener, (kind) => declare(name, kind));
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
  return el("div", { class: "welcome" }, greeting,
    el("ul", {}, shown.map((example) => el("li", {},
      el("button", { type: "button", class: "example", onclick: () => loadExample(example) },
        el("span", {}, example.title), el("code", {}, example.function))))));
}

function loadExample(example) {
  byId("examples").close?.();
  if (state.function) history.pushState(null, "", address()); // the way back leads to what was there
  load({
    ...structuredClone(EMPTY),
    function: example.function.trim(), wrt: [example.wrt].flat(), several: Array.isArray(example.wrt),
    declare: { ...example.declare }, order: String(example.order ?? 1), subject: example.subject ?? "", tab: state.tab, target: state.target,
    transpose: state.transpose, bold: state.bold, hadamard: state.hadamard, trace: state.trace,
  });
  if (matchMedia("(pointer: coarse)").matches) byId("answer").focus(); // no keyboard over the answer
  else editor.field.focus({ preventScroll: true });
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
editor.field.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) read();
});
fitsPaper();
window.addEventListener("hashchange", () => load(fromFragment(location.hash)));
for (const id of ["examples", "help"]) {
  closesOutside(byId(id));
  byId(`open-${id}`).addEventListener("click", () => byId(id).showModal());
}

editor.text = state.function;
claim.text = state.claim;
if (state.function) byId("answer-body").replaceChildren();
else editor.field.focus();
read();
page = await pageData();
kinds = new KindDialog(page.kinds, page.facts);
byId("version").textContent = `matcalc ${page.version}`;
drawExamples(page.examples, loadExample);
drawHelp();
if (!state.function.trim()) nothing(); // with examples
