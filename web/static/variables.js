// What to differentiate by: the usual name, and which part of it: the whole, an entry, a row, a column.

const WEIGHT = /^(w|theta|beta|θ|β)(_?\p{N}|_|$)/iu; // w, W1, theta, beta_0
const TARGET = /^[yt]\p{N}*$/iu; // what a model should give
const DATA = /^x\p{N}*$/iu;

/** The name that one would differentiate by, if nothing is said: an unknown or a weight, not the data. */
export function usual(names) {
  const free = names.filter((name) => name.form !== "function" && !["integer", "onehot"].some((fact) => name.facts.includes(fact)));
  const weights = free.some((name) => WEIGHT.test(name.name));
  const targets = names.some((name) => TARGET.test(name.name));

  function rank({ name, form, here }) {
    const given = here && weights ? true : targets && (weights || name[0] === "X");
    if (TARGET.test(name)) return 9;
    if (DATA.test(name)) return given ? 8 : name[0] === "x" ? 1 : 3;
    const declared = here ? 0.5 : 0; // what a program declares is rather its data
    if (WEIGHT.test(name)) return (here || targets ? 0 : 2) + declared;
    if (name === "mu" || name === "μ") return 4 + declared;
    return { vector: /^[b-d]$/.test(name) ? 7 : 5, row: 5, matrix: 6, scalar: 7 }[form] + declared;
  }

  return free.map((name) => [rank(name), name.name]).sort((a, b) => a[0] - b[0])[0]?.[1] ?? null;
}

/** The name in "B[i, j]", and what stands in the brackets (null: nothing does). */
export function taken(variable) {
  const at = variable.indexOf("[");
  return at < 0 ? [variable, null] : [variable.slice(0, at).trim(), variable.slice(at + 1).replace(/\]\s*$/, "").trim()];
}

/** Whether claims about it are checked: all of a name, or each entry of it, not a row or X[0, 1]. */
export function isClaimable(variable) {
  const [, index] = taken(variable);
  return index === null || index.split(",").every((letter) => /^\s*[\p{L}_][\p{L}\p{N}_]*\s*$/u.test(letter));
}

/** The parts that a name of that form has: [[index, label], ...]; letters are such as no name has. */
export function partsOf({ form }, names) {
  const known = new Set(names);
  const [i, j] = [..."ijklpqrs"].filter((letter) => !known.has(letter));
  if (form === "matrix") return [["", "All of it"], [`${i}, ${j}`, "An entry"], [`${i}, :`, "A row"], [`:, ${j}`, "A column"]];
  if (form === "vector" || form === "row") return [["", "All of it"], [i, "An entry"]];
  return [];
}
