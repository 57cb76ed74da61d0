// The names of the function: which one to differentiate by, and what each is.

import { byId, choices, closesOutside, el } from "./dom.js";
import { partsOf, taken } from "./variables.js";

const MANY = 24; // chips beyond which they scroll

/** Draw the names as chips. `choose(name)` and `edit(name, opener)` are told what the user does. */
export function drawNames({ names, lines, wrt, several, edit, choose }) {
  const variables = new Map(wrt.map((variable) => [taken(variable)[0], variable]));
  const focused = document.activeElement?.closest?.("#names [data-name]");
  const before = focused && [focused.dataset.name, focused.dataset.part];
  const chips = names.map((name) => {
    const pressed = variables.has(name.name);
    const shown = variables.get(name.name) ?? name.name;
    const fixed = name.constraint || name.form === "function" || name.facts.includes("integer");
    return el("li", { class: `chip${pressed ? " pressed" : ""}${name.inferred ? "" : " declared"}` },
      el("button", {
        type: "button", class: "name", "aria-pressed": String(pressed), "data-name": name.name, "data-part": "name",
        disabled: fixed, "aria-label": `${shown}: differentiate by it`, onclick: () => choose(name.name),
      }, shown),
      el("button", {
        type: "button", class: "kind", "aria-haspopup": "dialog", "data-name": name.name, "data-part": "kind",
        "aria-label": `${name.name} is ${name.kind}${name.inferred ? ", inferred" : ""}: change`,
        onclick: (event) => edit(name, event.currentTarget),
      }, name.kind));
  });
  const quantities = lines.map((name) => {
    const pressed = variables.has(name);
    return el("li", { class: pressed ? "chip line pressed" : "chip line" },
      el("button", {
        type: "button", class: "name", "aria-pressed": String(pressed), "data-name": name, "data-part": "name",
        "aria-label": `${name}, a line of the program: differentiate by it`, onclick: () => choose(name),
      }, name));
  });
  byId("names").replaceChildren(...chips, ...quantities);
  byId("names").classList.toggle("many", chips.length + quantities.length > MANY);
  byId("names-hint").textContent = `Choose a name, or its kind to change what it is.${lines.length ? " Dashed: lines of the program." : ""}`;
  if (before) {
    const [name, part] = before;
    [...byId("names").querySelectorAll(`[data-part=${part}]`)].find((node) => node.dataset.name === name)?.focus();
  }
  byId("several").hidden = names.length + lines.length < 2 && !several;
}

/** Which part of each name that is chosen: all of it, an entry, a row, a column, or an index that is typed. */
export function drawParts({ names, wrt, choose }) {
  const place = byId("part");
  const known = names.map((name) => name.name);
  const rows = wrt.map((variable) => {
    const [name, index] = taken(variable);
    const parts = partsOf(names.find((other) => other.name === name) ?? {}, known);
    return parts.length ? partOf(name, index ?? "", parts, (chosen) => choose(name, chosen), wrt.length > 1) : null;
  }).filter(Boolean);
  place.hidden = !rows.length;
  const open = place.querySelector("details")?.open || wrt.some((variable) => taken(variable)[1] !== null);
  const shown = wrt.length > 1 ? [el("details", { open }, el("summary", {}, "Parts of them"), rows)] : rows;
  if (place.contains(document.activeElement)) {
    const { name, value } = document.activeElement;
    place.replaceChildren(...shown);
    [...place.querySelectorAll("input")].find((input) => input.name === name && (input.type !== "radio" || input.value === value))?.focus();
  } else place.replaceChildren(...shown);
}

function partOf(name, index, parts, choose, named) {
  const own = parts.some(([usual]) => usual === index) ? [] : [[index, "Other"]];
  const legend = named ? `Of ${name}` : `Which part of ${name}`;
  const field = el("input", {
    type: "text", class: "index", name: `index-${name}`, value: index, "aria-label": `Index of ${name}`, spellcheck: "false",
    autocapitalize: "off", autocomplete: "off", onchange: (event) => choose(event.target.value.trim()),
  });
  return el("div", { class: "row" },
    choices(`part-${name}`, legend, [...parts, ...own], index, choose, { hideLegend: !named }),
    index ? el("label", { class: "brackets" }, `${name}[`, field, "]") : null);
}

/** The dialog in which the kind of a name is chosen; `apply(kind or null)` at each change, null: as inferred. */
export class KindDialog {
  constructor(kinds, facts) {
    this.kinds = kinds;
    this.facts = facts;
    this.dialog = byId("kind");
    closesOutside(this.dialog);
    this.dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && event.target.matches("input")) this.dialog.close();
    });
    this.dialog.addEventListener("close", () => this.opener?.isConnected ? this.opener.focus() : this.refocus());
  }

  refocus() {
    [...document.querySelectorAll("#names .kind")].find((node) => node.dataset.name === this.name)?.focus();
  }

  open(name, opener, apply) {
    this.name = name.name;
    this.opener = opener;
    this.apply = apply;
    this.state = fromName(name, this.kinds);
    this.draw();
    this.dialog.showModal();
    this.place(opener);
    this.dialog.querySelector("input:checked")?.focus();
  }

  /** Beside the chip, where there is room for it. */
  place(opener) {
    const chip = opener.getBoundingClientRect();
    const own = this.dialog.getBoundingClientRect();
    const wide = window.innerWidth > 600;
    this.dialog.classList.toggle("placed", wide);
    this.dialog.style.left = wide ? `${Math.max(12, Math.min(chip.left - 16, window.innerWidth - own.width - 12))}px` : "";
    this.dialog.style.top = wide ? `${Math.max(12, Math.min(chip.bottom + 8, window.innerHeight - own.height - 12))}px` : "";
  }

  draw() {
    const { head, facts } = this.state;
    const kind = this.kinds.find((other) => other.name === head);
    const radios = this.kinds.map((other) => {
      const input = el("input", { type: "radio", name: "kind", value: other.name, onchange: () => this.change({ head: other.name }) });
      input.checked = other.name === head;
      return el("label", {}, input, el("span", { class: "what" }, other.name), el("span", { class: "says" }, other.says));
    });
    const sizes = Array.from({ length: kind?.sizes ?? 0 }, (_, i) => el("label", {},
      kind.sizes === 1 ? "Size" : ["Rows", "Columns"][i],
      el("input", {
        type: "text", value: this.state.dims[i] ?? "", spellcheck: "false", autocapitalize: "off", autocomplete: "off",
        oninput: (event) => { this.state.dims[i] = event.target.value.trim(); this.send(); },
      })));
    const allowed = this.facts.filter((fact) => fact.forms.includes(formOf(kind)));
    const boxes = allowed.map((fact) => {
      const input = el("input", { type: "checkbox", onchange: (event) => this.fact(fact.name, event.target.checked) });
      input.checked = facts.includes(fact.name);
      return el("label", {}, input, el("span", {}, fact.name));
    });
    this.dialog.replaceChildren(
      el("div", { class: "row" },
        el("h2", { id: "kind-title" }, el("code", {}, this.name), " is"),
        el("button", { type: "button", class: "quiet", onclick: () => this.reset() }, "As inferred"),
        el("button", { type: "button", class: "quiet close", onclick: () => this.dialog.close() }, "Done")),
      el("fieldset", { class: "kinds" }, el("legend", { class: "hidden" }, "Kind"), radios),
      sizes.length ? el("div", { class: "sizes" }, sizes) : null,
      boxes.length ? el("fieldset", { class: "facts" }, el("legend", {}, "and is"), boxes) : null);
  }

  change(what) {
    Object.assign(this.state, what);
    const kind = this.kinds.find((other) => other.name === this.state.head);
    const dims = this.state.dims.filter(Boolean);
    this.state.dims = Array.from({ length: kind.sizes }, (_, i) => dims[i] ?? dims[0] ?? "n");
    this.state.facts = this.state.facts.filter((fact) => this.facts.some((f) => f.name === fact && f.forms.includes(formOf(kind))));
    this.draw();
    this.dialog.querySelector("input[type=radio]:checked")?.focus();
    this.send();
  }

  fact(name, on) {
    this.state.facts = on ? [...this.state.facts, name] : this.state.facts.filter((other) => other !== name);
    this.send();
  }

  send() {
    const { head, dims, facts } = this.state;
    if (dims.some((size) => !size)) return;
    this.apply([dims.length ? `${head}(${dims.join(", ")})` : head, ...facts].join(", "));
  }

  reset() {
    this.apply(null);
    this.dialog.close();
  }
}

function formOf(kind) {
  if (!kind) return "matrix";
  if (["scalar", "vector", "row", "matrix", "function"].includes(kind.name)) return kind.name;
  if (kind.name === "integer") return "scalar";
  return ["onehot", "simplex", "unit"].includes(kind.name) ? "vector" : "matrix";
}

/** "symmetric(n), positive" taken apart. */
function fromName(name, kinds) {
  const match = name.kind.match(/^(\w+)(?:\(([^()]*)\))?((?:,\s*\w+)*)$/);
  if (!match || !kinds.some((kind) => kind.name === match[1])) return { head: "", dims: [...name.dims], facts: [] };
  const dims = match[2] ? match[2].split(",").map((size) => size.trim()) : [];
  return { head: match[1], dims, facts: match[3].split(",").map((fact) => fact.trim()).filter(Boolean) };
}
