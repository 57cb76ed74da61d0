// Questions to the server. An answer comes in parts, a line of JSON each.

export class Refused extends Error {
  constructor(part) {
    super(part.shown || part.message);
    this.part = part;
  }
}

/** Ask, and call `take` with each part as it comes. */
export async function ask(task, question, signal, take) {
  const response = await fetch(`/api/${task}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(question),
    signal,
  });
  if (!response.ok) {
    const part = await response.json().catch(() => ({ shown: `the server answered ${response.status}` }));
    throw new Refused(part);
  }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    const lines = (rest + (value ?? "")).split("\n");
    rest = done ? "" : lines.pop();
    for (const line of lines) if (line.trim()) take(JSON.parse(line));
    if (done) return;
  }
}

/** What the page needs to know to begin. */
export async function pageData() {
  const response = await fetch("/api/page");
  return response.json();
}
