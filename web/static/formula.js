// Formulas: MathML from the server, let through element by element; without it, the Unicode text.

import { el } from "./dom.js";

const MATHML = "http://www.w3.org/1998/Math/MathML";
const ELEMENTS = new Set(
  ("math mrow mi mn mo mtext mspace mfrac msqrt mroot msup msub msubsup mover munder munderover mtable mtr mtd " +
   "mstyle mpadded mphantom mfenced merror mmultiscripts none mprescripts").split(" "));
const ATTRIBUTES = new Set(
  ("display mathvariant stretchy fence separator form lspace rspace largeop movablelimits minsize maxsize symmetric " +
   "accent accentunder linethickness width height depth voffset columnalign rowalign columnspacing rowspacing " +
   "columnspan rowspan displaystyle scriptlevel dir intent alttext").split(" "));

// The one way in for text that is parsed: browsers that know trusted types refuse every other.
const policy = window.trustedTypes?.createPolicy("formula", { createHTML: (source) => source }) ?? { createHTML: String };

/** The formula as MathML if there is some, and it holds nothing but formulas; else as text. */
export function formula(mathml, text, { display = true } = {}) {
  const node = mathml ? admitted(mathml) : null;
  if (node) {
    if (display) node.setAttribute("display", "block");
    return node;
  }
  return el(display ? "div" : "span", { class: "unicode" }, text);
}

function admitted(source) {
  const found = new DOMParser().parseFromString(policy.createHTML(source), "application/xml");
  const root = found.documentElement;
  if (!root || root.namespaceURI !== MATHML || root.localName !== "math") return null;
  return copied(root);
}

/** A copy that is built anew, of the elements and attributes that are known; null if there is another. */
function copied(root) {
  const top = document.createElementNS(MATHML, "math");
  const waiting = [[root, top]];
  while (waiting.length) {
    const [from, to] = waiting.pop();
    for (const { namespaceURI, localName, value } of from.attributes) {
      if (localName === "xmlns" || namespaceURI === "http://www.w3.org/2000/xmlns/") continue;
      if (namespaceURI !== null || !ATTRIBUTES.has(localName)) return null;
      to.setAttribute(localName, value);
    }
    for (const child of from.childNodes) {
      if (child.nodeType === Node.TEXT_NODE) to.append(child.data);
      else if (child.nodeType !== Node.ELEMENT_NODE) continue;
      else if (child.namespaceURI !== MATHML || !ELEMENTS.has(child.localName)) return null;
      else {
        const copy = document.createElementNS(MATHML, child.localName);
        to.append(copy);
        waiting.push([child, copy]);
      }
    }
  }
  return top;
}

/** A box in which a wide formula scrolls by itself; the Tab key stops at it only if there is something to scroll. */
export function box(label, ...content) {
  const node = el("div", { class: "formula", role: "group", "aria-label": label }, ...content);
  new ResizeObserver(() => {
    if (node.scrollWidth > node.clientWidth) node.tabIndex = 0;
    else node.removeAttribute("tabindex");
  }).observe(node);
  return node;
}

const PAPER = 640; // pixels that are left between the margins of a sheet

/** On paper nothing scrolls: formulas that are too wide are set smaller while it is printed. */
export function fitsPaper() {
  window.addEventListener("beforeprint", () => {
    for (const math of document.querySelectorAll(".formula math")) {
      const { width } = math.getBoundingClientRect();
      if (width > PAPER) math.style.fontSize = `${PAPER / width}em`;
    }
  });
  window.addEventListener("afterprint", () => {
    for (const math of document.querySelectorAll(".formula math")) math.style.fontSize = "";
  });
}
