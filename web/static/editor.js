// The editor: a text field over a copy of its text, in which places are marked.

import { byId, el } from "./dom.js";

const MANY = 20000; // characters beyond which nothing but the mistake is marked

export class Editor {
  constructor({ change, line }) {
    this.field = byId("function");
    this.under = byId("under");
    this.problem = null;
    this.chosen = [];
    this.marked = null;
    this.field.addEventListener("input", () => { this.problem = null; this.draw(); change(this.field.value); });
    this.field.addEventListener("scroll", () => { this.under.scrollTop = this.field.scrollTop; });
    this.field.addEventListener("pointermove", (event) => line(this.lineAt(event.clientY)));
    this.field.addEventListener("pointerleave", () => line(null));
    for (const name of ["keyup", "click", "focus"]) this.field.addEventListener(name, () => line(this.caretLine()));
    this.field.addEventListener("blur", () => line(null));
    new ResizeObserver(() => this.fit()).observe(this.field.parentElement);
  }

  get text() { return this.field.value; }

  set text(value) {
    if (this.field.value !== value) this.field.value = value;
    this.problem = null;
    this.draw();
  }

  /** Mark a place as wrong (null: nothing is), the names that are chosen, a line that is looked at. */
  mark({ problem = this.problem, chosen = this.chosen, line = this.marked }) {
    this.problem = problem;
    this.chosen = chosen;
    this.marked = line;
    this.draw();
  }

  draw() {
    const lines = this.field.value.split("\n");
    const long = this.field.value.length > MANY;
    let start = 0;
    const drawn = lines.map((line, number) => {
      const node = el("div", { class: number === this.marked ? "line marked" : "line" }, this.pieces(line, start, long));
      start += line.length + 1;
      return node;
    });
    this.under.replaceChildren(...drawn);
    this.fit();
  }

  /** The text of a line, with the names that are chosen and the place of the mistake in elements of their own. */
  pieces(line, start, long) {
    const found = [];
    const wrong = this.problem === null ? -1 : this.problem - start;
    if (!long && this.chosen.length) {
      for (const match of line.matchAll(/[\p{L}_][\p{L}\p{N}_]*/gu)) {
        if (this.chosen.includes(match[0])) found.push([match.index, match.index + match[0].length, "chosen"]);
      }
    }
    if (wrong >= 0 && wrong <= line.length) {
      const rest = line.slice(wrong).match(/^(?:[\p{L}\p{N}_]+|.)/u);
      const stop = wrong + (rest ? rest[0].length : 0);
      const kept = found.filter(([a, b]) => b <= wrong || a >= stop);
      found.length = 0;
      found.push(...kept, [wrong, stop, "wrong"]);
      found.sort((a, b) => a[0] - b[0]);
    }
    const out = [];
    let at = 0;
    for (const [a, b, kind] of found) {
      out.push(line.slice(at, a), el("span", { class: kind }, line.slice(a, b) || " "));
      at = b;
    }
    out.push(line.slice(at) || (out.length ? "" : "\u200b"));
    return out;
  }

  fit() {
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight + 2}px`;
    this.under.scrollTop = this.field.scrollTop;
  }

  lineAt(y) {
    const number = [...this.under.children].findIndex((node) => {
      const { top, bottom } = node.getBoundingClientRect();
      return y >= top && y < bottom;
    });
    return number < 0 ? null : number;
  }

  caretLine() {
    return this.field.value.slice(0, this.field.selectionStart).split("\n").length - 1;
  }

  /** Put the caret at the beginning of a line. */
  goTo(number) {
    const at = this.field.value.split("\n").slice(0, number).reduce((sum, line) => sum + line.length + 1, 0);
    this.field.focus();
    this.field.setSelectionRange(at, at);
  }

  /** Lines by the name that they assign; a loop assigns names with numbers: h{i} stands for h1, h2. */
  lineOf(name) {
    const lines = this.field.value.split("\n");
    const plain = lines.findIndex((line) => assigned(line) === name);
    if (plain >= 0) return plain;
    const loop = lines.findIndex((line) => matches(looped(line), name));
    if (loop >= 0) return loop;
    const declared = lines.findIndex((line) => declaredIn(line).some((other) => other === name || matches(other, name)));
    return declared < 0 ? null : declared;
  }
}

/** The name that a line assigns: "Z1 = X*W1" gives Z1. */
export function assigned(line) {
  return line.match(/^\s*([\p{L}_][\p{L}\p{N}_]*)\s*=(?!=)/u)?.[1] ?? null;
}

function looped(line) {
  return line.match(/^\s*for\b.*?:\s*([\p{L}_][\p{L}\p{N}_{}+\- ]*?)\s*[=:](?!=)/u)?.[1] ?? null;
}

function matches(pattern, name) {
  if (!pattern?.includes("{")) return pattern === name;
  const [front, ...rest] = pattern.split(/\{[^}]*\}/);
  return name.startsWith(front) && /^\d+/.test(name.slice(front.length)) && name.endsWith(rest.at(-1));
}

function declaredIn(line) {
  const found = line.match(/^\s*([^:=#]+):/);
  return found ? found[1].split(",").map((name) => name.trim()) : [];
}

/** The text with another kind for a name that it declares; null if that cannot be told apart. */
export function redeclared(text, name, kind) {
  let done = false;
  const lines = text.split("\n").map((line) => line.split(";").map((piece) => {
    const found = piece.match(/^(\s*)([^:=#]+?)(\s*:\s*)([^#]*?)(\s*(?:#.*)?)$/);
    if (done || !found || found[2].trim() !== name) return piece;
    done = true;
    return `${found[1]}${found[2]}${found[3]}${kind}${found[5]}`;
  }).join(";"));
  return done ? lines.join("\n") : null;
}
