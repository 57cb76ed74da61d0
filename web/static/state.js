// What is asked, and how it is shown: kept in the part of the address after #, so that a link holds all of it.

export const EMPTY = {
  function: "", wrt: [], several: false, declare: {},
  order: "1", layout: "gradient", structure: "auto", form: "factored", where: "auto",
  transpose: "top", bold: "none", hadamard: "odot", trace: "operatorname",
  subject: "", parts: "", adjoint: "d{}",
  tab: "steps", target: "numpy", claim: "",
};

const LISTS = { wrt: true };
const MAPS = { declare: true };

/** The state as the fragment of an address; what is as usual is left out. */
export function toFragment(state) {
  const out = new URLSearchParams();
  for (const [key, usual] of Object.entries(EMPTY)) {
    const value = state[key];
    if (LISTS[key]) value.forEach((item) => out.append(key, item));
    else if (MAPS[key]) Object.entries(value).forEach(([name, kind]) => out.append(key, `${name}: ${kind}`));
    else if (typeof usual === "boolean") { if (value) out.set(key, "1"); }
    else if (value !== usual) out.set(key, value);
  }
  return `#${out}`;
}

/** The state that an address holds; what is not in it is as usual, what is wrong is left to the server to refuse. */
export function fromFragment(fragment) {
  const found = new URLSearchParams(fragment.replace(/^#/, ""));
  const state = structuredClone(EMPTY);
  for (const [key, usual] of Object.entries(EMPTY)) {
    if (!found.has(key)) continue;
    if (LISTS[key]) state[key] = found.getAll(key);
    else if (MAPS[key]) state[key] = Object.fromEntries(found.getAll(key).map(declaration).filter(Boolean));
    else if (typeof usual === "boolean") state[key] = found.get(key) === "1";
    else state[key] = found.get(key);
  }
  return state;
}

function declaration(text) {
  const at = text.indexOf(":");
  return at > 0 ? [text.slice(0, at).trim(), text.slice(at + 1).trim()] : null;
}
