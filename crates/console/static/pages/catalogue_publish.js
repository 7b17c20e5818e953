// Publishing a version: rehearsed while it is written, and done once it fits.

import { post } from "../api.js";
import { useJudgement } from "../contract_form.js";
import { html, useState } from "../html.js";
import { FailureNote, Name, notice } from "../parts.js";

/** What a first version looks like. What it predicts is left to be said: an example would be published by mistake. */
const FIRST = {
  version: "1.0.0",
  description: null,
  input_roles: [{ role: "temperature", input_kind: "sensor", metric: "air_temperature", unit: "°C" }],
  output_roles: [{ role: "", metric: "", unit: "" }],
};

/** @param {any} newest what a next version begins with: the contract of the newest one, without what nobody has to say */
function draftOf(newest) {
  if (!newest) return FIRST;
  const said = (/** @type {Record<string, unknown>} */ role) =>
    Object.fromEntries(
      Object.entries(role).filter(
        ([, value]) => value !== null && value !== true && !(Array.isArray(value) && value.length === 0),
      ),
    );
  return {
    version: "",
    description: null,
    input_roles: newest.input_roles.map(said),
    output_roles: newest.output_roles.map(said),
  };
}

export function Publish({ source, newest, done }) {
  const [text, setText] = useState(() => JSON.stringify(draftOf(newest), null, 2));
  const [sent, setSent] = useState(/** @type {any} */ (null));
  const [isSending, setSending] = useState(false);
  const read = parsed(text);
  const body = read.value && { ...read.value, source_id: source.id };
  const judged = useJudgement(body ?? null, (asked, signal) =>
    post("/source_versions", asked, { dry_run: true }, signal),
  );
  const told = sent ?? judged.failure;
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setSending(true);
    try {
      const { version } = await post("/source_versions", body);
      notice.value = {
        kind: "good",
        text: html`Published <${Name}>${source.name}<//> <${Name}>${version}<//>. It cannot be changed from now on.`,
      };
      done();
    } catch (error) {
      setSent(error);
      setSending(false);
    }
  };
  return html`<form class="setup" onSubmit=${submit} noValidate>
    <div class="field">
      <label for="contract">Its contract, as JSON</label>
      <textarea
        id="contract"
        rows="16"
        spellcheck="false"
        value=${text}
        aria-invalid=${read.problem || told ? "true" : null}
        aria-describedby="contract-about"
        onInput=${(/** @type {any} */ event) => (setSent(null), setText(event.currentTarget.value))}
      ></textarea>
      <div id="contract-about">
        ${read.problem && html`<p class="mistake">${read.problem}</p>`}
        ${!read.problem && told && html`<${Wrong} told=${told} text=${text} />`}
        ${!read.problem && !told && judged.data && html`<p class="note good" role="status">It fits, and can be published. From then on it cannot be changed. Nothing is stored yet.</p>`}
        ${!read.problem && !told && !judged.data && judged.isLoading && html`<p class="aside" role="status">Checking…</p>`}
      </div>
    </div>
    <div class="row">
      <button class="main" disabled=${!judged.data || !judged.isSettled || isSending}>Publish</button>
      <button type="button" onClick=${done}>Cancel</button>
    </div>
  </form>`;
}

/** @param {string} text @returns {{ value?: any, problem?: string }} */
function parsed(text) {
  try {
    const value = JSON.parse(text);
    if (value && typeof value === "object" && !Array.isArray(value)) return { value };
    return { problem: "It is not a JSON object." };
  } catch (error) {
    return { problem: `It is not JSON: ${/** @type {Error} */ (error).message}` };
  }
}

/** Everything that is wrong, each with its line. */
function Wrong({ told, text }) {
  if (told.status !== 422 || told.entries.length === 0) return html`<${FailureNote} failure=${told} />`;
  return html`<ul>
    ${told.entries.map((/** @type {any} */ entry) => {
      const line = lineOf(text, entry.pointer ?? "");
      return html`<li class="mistake">
        ${line && `Line ${line}: `}<bdi>${entry.message}</bdi>${entry.hint && html` <bdi>${entry.hint}</bdi>`}${" "}
        <code>${entry.pointer}</code>
      </li>`;
    })}
  </ul>`;
}

/**
 * The line of a text in JSON that a pointer (RFC 6901) leads to, or the last one on the way that is there.
 * @param {string} text which was read before, so it is JSON
 * @param {string} pointer
 */
export function lineOf(text, pointer) {
  const tokens = [...text.matchAll(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g)];
  const words = tokens.map(([word]) => word);
  let place = 0;
  let value = 0;
  for (const part of pointer.split("/").slice(1)) {
    const found = within(words, value, part.replace(/~1/g, "/").replace(/~0/g, "~"));
    if (!found) break;
    ({ place, value } = found);
  }
  return text.slice(0, tokens[place].index).split("\n").length;
}

/**
 * Where that member or item of the value at `from` stands, and where its own value begins.
 * @param {string[]} words
 * @param {number} from
 * @param {string} name
 */
function within(words, from, name) {
  const isList = words[from] === "[";
  if (!isList && words[from] !== "{") return null;
  for (let place = from + 1, number = 0; !/^[\]}]$/.test(words[place]); number += 1) {
    // Before the value of a member stand its name and a colon.
    const value = isList ? place : place + 2;
    if (name === (isList ? String(number) : JSON.parse(words[place]))) return { place, value };
    place = behind(words, value);
    if (words[place] === ",") place += 1;
  }
  return null;
}

/** Where the value that begins at a place is over. @param {string[]} words @param {number} from */
function behind(words, from) {
  let depth = 0;
  let place = from;
  do {
    if (/^[[{]$/.test(words[place])) depth += 1;
    if (/^[\]}]$/.test(words[place])) depth -= 1;
    place += 1;
  } while (depth > 0);
  return place;
}
