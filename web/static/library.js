// The two dialogs of reading matter: examples by topic, and the language on one page.

import { byId, el } from "./dom.js";

function heading(id, title) {
  const dialog = byId(id);
  return el("div", { class: "row" },
    el("h2", { id: `${id}-title` }, title),
    el("button", { type: "button", class: "quiet close", onclick: () => dialog.close() }, "Close"));
}

/** The examples as buttons, topic by topic. */
export function drawExamples(topics, load) {
  byId("examples").replaceChildren(heading("examples", "Examples"),
    el("div", { class: "topics" }, topics.map((topic) => el("section", {},
      el("h3", {}, topic.name),
      el("ul", {}, topic.example.map((example) => el("li", {},
        el("button", { type: "button", class: "example", onclick: () => load(example) },
          el("span", {}, example.title),
          el("code", {}, firstLine(example.function), example.subject ? `, ${example.subject}` : "")))))))));
}

function firstLine(text) {
  const lines = text.trim().split("\n");
  return lines.length > 1 ? `${lines.at(-1)}` : lines[0];
}

const LANGUAGE = [
  ["Products", [["A*x", "matrix product"], ["x'*y", "inner product: a scalar"], ["x .* y", "entry by entry; also ./ and .^"], ["2x, x'x", "the sign may be left out"]]],
  ["Transpose, powers", [["X' or X.T", "transpose"], ["inv(X), X^-1", "inverse"], ["X^2, x.^2", "power of a matrix, of each entry"]]],
  ["Functions of matrices", [["tr det logdet inv pinv diag", ""], ["norm2(x), norm1(x)", "Euclidean or Frobenius; sum of absolute values"], ["sum(X, axis=0)", "a row; axis=1 a vector"], ["kron(A, B), vec(X)", ""], ["eye(n), ones(n), zeros(m, n)", "the size may be left out"]]],
  ["Entry by entry", [["exp log sqrt sin cos sigmoid relu abs", ""], ["max(0, x), x > 0", ""], ["softmax(z), logsumexp(z)", "of a matrix with axis=1"], ["f(x), f'(x)", "functions of your own"]]],
  ["Parts", [["x[0], X[i, j]", "an entry; the first is 0"], ["X[0, :], X[:, j], x[:-1]", "a row, a column, a slice"], ["[A, B; C, D]", "blocks"], ["sum(i, x[i]*y[i])", "a sum over an index"]]],
  ["Names", [["A, X", "capitals are matrices"], ["a … g", "scalars"], ["h … z", "vectors"], ["X: symmetric(n)", "a line that says otherwise"], ["θ or theta, xᵀ, ‖x‖", "Greek and Unicode are read"]]],
  ["Programs", [["H = sigmoid(X*W)", "one quantity a line; the last is the function"], ["for i in 1..3: h{i} = …", "lines written out"], ["# …", "a comment"]]],
];

/** The language, as much of it as one needs to begin. */
export function drawHelp() {
  byId("help").replaceChildren(heading("help", "The language"),
    el("div", { class: "topics" }, LANGUAGE.map(([title, rows]) => el("section", {},
      el("h3", {}, title),
      el("dl", {}, rows.map(([code, said]) => el("div", {}, el("dt", {}, el("code", {}, code)), el("dd", {}, said))))))));
}
