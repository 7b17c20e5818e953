// Forms that are made from the contract of a version, and judged by the service while they are filled in.

import { get } from "./api.js";
import { Combobox } from "./combobox.js";
import { html, useEffect, useState } from "./html.js";
import { useLoad } from "./load.js";
import { FailureNote, Name } from "./parts.js";
import { hindrance } from "./session.js";
import { conversionText, shortId } from "./words.js";

/** @typedef {import("./schema.js").components["schemas"]} Schemas */
/** @typedef {{ text: string, id: string }} Bound what is written in the field of a role, and what was chosen there */

const PAUSE_MS = 400;

/**
 * What the service says to a form, some time after the last letter: what it would do, or everything that is wrong.
 * @param {any} body nothing is asked for null
 * @param {(body: any, signal: AbortSignal) => Promise<any>} ask
 */
export function useJudgement(body, ask) {
  const text = body ? JSON.stringify(body) : null;
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  const judged = useLoad(settled, (signal) => ask(JSON.parse(/** @type {string} */ (settled)), signal));
  return { ...judged, isSettled: settled === text && !judged.isLoading };
}

/**
 * What is bound to the roles that are filled in, as it is sent.
 * @param {{ role: string }[]} filled
 * @param {Record<string, Bound>} bound
 */
export const bindingsOf = (filled, bound) =>
  filled.map(({ role }) => ({ role, input_id: bound[role].id || bound[role].text.trim() }));

/**
 * Each mistake at the field that it is about; what is about none of them, at the empty name.
 * @param {Schemas["ProblemEntry"][]} entries
 * @param {{ role: string }[]} filled the roles in the order in which they were sent
 * @param {string[]} own the pointers of other fields
 */
export function mistakesByPointer(entries, filled, own = []) {
  /** @type {Map<string, Schemas["ProblemEntry"][]>} */
  const found = new Map();
  for (const entry of entries) {
    const index = /^\/role_bindings\/(\d+)/.exec(entry.pointer ?? "")?.[1];
    const field =
      index !== undefined
        ? `role ${filled[Number(index)]?.role}`
        : isMissing(entry)
          ? `role ${entry.expected}`
          : own.includes(entry.pointer ?? "")
            ? String(entry.pointer)
            : "";
    found.set(field, [...(found.get(field) ?? []), entry]);
  }
  return found;
}

/** Of a role that has to be bound and is not, the entry names the role. @param {Schemas["ProblemEntry"]} entry */
export const isMissing = (entry) => entry.code === "missing_required_role" && typeof entry.expected === "string";

export function Field({ id, label, mistakes, note, now = null, children }) {
  const about = `${id}-about`;
  const field = { id, "aria-invalid": mistakes.length > 0 ? "true" : null, "aria-describedby": about };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children(field)}
    <div id=${about}>
      ${note && html`<p class="aside"><bdi>${note}</bdi></p>`}
      ${now && html`<p class="aside">Bound now: <bdi>${now}</bdi></p>`}
      ${mistakes.map((/** @type {Schemas["ProblemEntry"]} */ entry) => html`<p class="mistake"><bdi>${sentence(entry)}</bdi></p>`)}
    </div>
  </div>`;
}

/** What is wrong with the field above it. @param {Schemas["ProblemEntry"]} entry */
function sentence(entry) {
  if (isMissing(entry)) return "Something has to be bound here.";
  if (entry.code === "invalid_uuid" && /^\/role_bindings\//.test(entry.pointer ?? "")) {
    return `Choose one from the list: ${JSON.stringify(entry.actual)} is neither one of them nor a UUID.`;
  }
  return `${entry.message}${entry.hint ? `: ${entry.hint}` : ""}`;
}

/** The id of the field of a role: names of roles may have blanks, and ids may not. @param {string} role */
export const fieldOf = (role) => `role-${encodeURIComponent(role)}`;

/** The field of a role, with what can be bound to it, the surest first; `now` is what is bound, where that is another. */
export function RoleField({ role, version, organisation, bound, set, mistakes, now = null }) {
  const mayRead = hindrance("inputs:read");
  const search = async (/** @type {string} */ text, /** @type {AbortSignal} */ signal) => {
    if (!organisation || mayRead) return [];
    const query = { organisation_id: organisation, role: role.role, q: text, limit: 20 };
    const { items } = await get(`/source_versions/${version.id}/candidates`, query, signal);
    return items.map(option);
  };
  const about = `${role.input_kind}, ${role.metric}${role.unit ? ` in ${role.unit}` : ""}${role.required ? "" : ", not needed"}`;
  const id = fieldOf(role.role);
  const nothing =
    mayRead ??
    (organisation
      ? "Nothing that is registered fits. An id can be pasted all the same."
      : "Choose an organisation first.");
  const label = html`<${Name}>${role.role}<//> <span class="aside"><bdi>${about}</bdi></span>`;
  return html`<${Field} id=${id} label=${label} mistakes=${mistakes} note=${role.description} now=${now}>
    ${(
      /** @type {any} */ field,
    ) => html`<${Combobox} id=${id} isInvalid=${field["aria-invalid"] !== null} describedBy=${field["aria-describedby"]}
      value=${bound.id} text=${bound.text} search=${search} nothing=${nothing}
      onType=${(/** @type {string} */ text) => set({ text, id: "" })} onChoose=${(/** @type {any} */ chosen) => set({ text: chosen.name, id: chosen.id })} />`}
  <//>`;
}

/** @param {Schemas["Candidate"]} candidate */
function option({ input, output, fit, conversion }) {
  const id = input?.id ?? output?.id ?? "";
  const name = input?.name ?? `${output?.job_name}, ${output?.role}`;
  const fits =
    fit === "exact"
      ? "fits"
      : fit === "convertible"
        ? `converted: ${conversionText(conversion)}`
        : "not known whether it fits";
  return { id, name, about: `${fits} · ${shortId(id)}` };
}

/**
 * What is wrong with a form, beside what stands at its fields; nothing if nothing is.
 * @param {{ told: any, rest: Schemas["ProblemEntry"][], isTried: boolean }} props
 */
export function Mistakes({ told, rest, isTried }) {
  if (!told) return null;
  const count = told.entries?.length ?? 0;
  if (told.status !== 422 || count === 0) return html`<${FailureNote} failure=${told} />`;
  const other =
    rest.length > 0 &&
    html`<ul>
      ${rest.map((entry) => html`<li><code>${entry.pointer}</code> <bdi>${entry.message}</bdi> ${entry.hint && html`<bdi>${entry.hint}</bdi>`}</li>`)}
    </ul>`;
  return html`<div class=${`note ${isTried ? "bad" : ""}`} role="status">
    ${count === 1 ? "One thing is" : `${count} things are`} missing or wrong.${other}
  </div>`;
}

/** The first field that is wrong, in the order in which they are read, gets the focus. */
export const focusFirstMistake = () =>
  requestAnimationFrame(() =>
    /** @type {HTMLElement | null} */ (document.querySelector("[aria-invalid=true]"))?.focus(),
  );
