// Elements, announcements, copying. Text is text: nothing here takes HTML.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes, listeners (onclick: f) and children (elements or text). */
export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

/** The same in SVG. */
export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (value === true) node.setAttribute(key, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, String(value));
  }
  node.append(...kept(children));
  return node;
}

/** Children without those that are not there. */
export function kept(children) {
  return children.flat().filter((child) => child !== null && child !== undefined && child !== false);
}

export const byId = (id) => document.getElementById(id);

/** Say it to those who do not see it. */
export function announce(text) {
  const live = byId("live");
  live.textContent = "";
  requestAnimationFrame(() => { live.textContent = text; });
}

let fading = 0;

/** Say it to everybody, for a moment. */
export function toast(text) {
  const node = byId("toast");
  node.textContent = text;
  node.classList.add("shown");
  clearTimeout(fading);
  fading = setTimeout(() => node.classList.remove("shown"), 2200);
  announce(text);
}

/** Copy the text, and say so. */
export async function copy(text, what) {
  try {
    await navigator.clipboard.writeText(text);
  } catch {
    if (!copiedByCommand(text)) {
      toast("The browser does not allow copying");
      return;
    }
  }
  toast(`${what} copied`);
}

function copiedByCommand(text) {
  const before = document.activeElement;
  const field = el("textarea", { class: "hidden", "aria-hidden": "true", tabindex: "-1" });
  field.value = text;
  document.body.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  before?.focus?.();
  return done;
}

export function copyButton(text, what) {
  return el("button", { type: "button", class: "quiet copy", onclick: () => copy(text(), what) }, `Copy ${what}`);
}

/** A dialog that closes on a click beside it. */
export function closesOutside(dialog) {
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) dialog.close();
  });
}

/** Radio buttons that look like one switch; the arrow keys are the browser's. */
export function choices(name, legend, options, chosen, change, { hideLegend = false } = {}) {
  const inputs = options.map(([value, label]) => {
    const input = el("input", { type: "radio", name, value, onchange: () => change(value) });
    input.checked = value === chosen;
    return el("label", {}, input, el("span", {}, label));
  });
  return el("fieldset", { class: "choices" },
    el("legend", hideLegend ? { class: "hidden" } : {}, legend),
    el("div", { class: "switch" }, inputs));
}
