// Python with its words, strings, numbers and comments in elements of their own.

import { el } from "./dom.js";

const TOKEN = /("""[\s\S]*?"""|"[^"\n]*"|'[^'\n]*')|(#[^\n]*)|\b(def|return|import|from|as|if|else|elif|for|in|not|and|or|None|True|False|lambda|with|raise)\b|\b(\d[\w.]*)\b/g;

/** The code as a list of text and elements. */
export function colored(code) {
  const out = [];
  let at = 0;
  for (const match of code.matchAll(TOKEN)) {
    const kind = match[1] ? "string" : match[2] ? "comment" : match[3] ? "word" : "number";
    out.push(code.slice(at, match.index), el("span", { class: kind }, match[0]));
    at = match.index + match[0].length;
  }
  out.push(code.slice(at));
  return out;
}
