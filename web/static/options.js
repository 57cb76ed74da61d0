// The switches and fields beside the function: what is looked for, and how the answer is put.

import { byId, choices } from "./dom.js";
import { EMPTY } from "./state.js";

const SWITCHES = [
  ["order", "Find", { 1: "Derivative", 2: "Hessian", point: "Stationary point" }],
  ["layout", "Layout", { gradient: "Gradient", numerator: "Numerator" }],
  ["form", "Form", { factored: "Factored", expanded: "Expanded" }],
  ["where", "Names for parts", { auto: "If long", never: "Never", always: "Always" }],
  ["structure", "By a structured matrix", { auto: "As usual", projected: "Projected", tied: "Tied", free: "Free" }],
  ["transpose", "Transpose", { top: "⊤", T: "T", prime: "′" }],
  ["bold", "Bold", { none: "None", vectors: "Vectors", arrays: "All" }],
  ["hadamard", "Elementwise product", { odot: "⊙", circ: "∘" }],
  ["trace", "Trace", { operatorname: "Operator", tr: "Roman" }],
];
const FIELDS = ["subject", "parts", "adjoint"];
const OF_DERIVATIVES = ["layout", "form", "where", "parts", "structure", "adjoint"];
const SHOWN = ["order", "layout", "subject"]; // the others stand under "More options"
const PAUSE = 400; // milliseconds without a key before a field counts

/** The options of the page; `changed(key, value)` is told what the user does. */
export class Options {
  constructor(changed) {
    this.changed = changed;
    for (const key of FIELDS) {
      const field = byId(key);
      let timer = 0;
      const told = () => {
        clearTimeout(timer);
        changed(key, field.value.trim() || EMPTY[key]);
      };
      field.addEventListener("input", () => {
        fit(field);
        clearTimeout(timer);
        timer = setTimeout(told, PAUSE);
      });
      field.addEventListener("change", told);
    }
  }

  /** Show them as they are in the state; what has the focus is left alone. */
  draw(state, { there, program }) {
    byId("options").hidden = !there;
    const point = state.order === "point";
    for (const key of OF_DERIVATIVES) byId(`option-${key}`).hidden = point;
    byId("option-subject").hidden = !point;
    byId("option-adjoint").hidden ||= !program;
    byId("option-parts").hidden ||= program; // a program has names for its parts
    for (const key of FIELDS) {
      const field = byId(key);
      if (document.activeElement === field) continue;
      field.value = state[key] === EMPTY[key] ? "" : state[key];
      fit(field);
    }
    for (const [key, legend, labels] of SWITCHES) {
      const place = byId(`option-${key}`);
      if (place.contains(document.activeElement)) continue;
      place.replaceChildren(choices(key, legend, Object.entries(labels), state[key], (value) => this.changed(key, value)));
    }
    const all = [...SWITCHES.map(([key]) => key), ...FIELDS];
    if (all.some((key) => !SHOWN.includes(key) && state[key] !== EMPTY[key])) byId("more-options").open = true;
  }
}

/** As many lines as are typed. */
function fit(field) {
  if (field.localName === "textarea") field.rows = Math.min(6, field.value.split("\n").length);
}
