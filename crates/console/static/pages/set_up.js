// Setting up a job: a form made from the contract of a version, judged by the service while it is filled in.

import { get, post } from "../api.js";
import { Combobox } from "../combobox.js";
import { html, useEffect, useState } from "../html.js";
import { useLoad } from "../load.js";
import { Empty, FailureNote, Loading, Name, notice, useTitle } from "../parts.js";
import { go, narrow, route } from "../route.js";
import { hindrance, onlyOrganisation } from "../session.js";
import { conversionText, organisationName, shortId } from "../words.js";

/** @typedef {import("../schema.js").components["schemas"]} Schemas */
/** @typedef {{ text: string, id: string }} Bound what is written in the field of a role, and what was chosen there */

const PAUSE_MS = 400;
const MOST = 200;

export function SetUpPage() {
  useTitle("Set up a job");
  const sources = useLoad("sources", (signal) => get("/sources", { limit: MOST }, signal));
  const organisations = useLoad(onlyOrganisation.value ? null : "organisations", (signal) =>
    get("/organisations", { limit: MOST }, signal),
  );
  const { source } = route.value.query;
  const versions = useLoad(source ? `versions ${source}` : null, (signal) =>
    get("/source_versions", { source_id: source, expand: "contract", limit: MOST }, signal),
  );
  const failure = sources.failure ?? organisations.failure ?? versions.failure;
  const retry = () => [sources, organisations, versions].forEach((loaded) => loaded.reload());
  const mayWrite = hindrance("jobs:write");
  return html`<div class="title"><h1>Set up a job</h1></div>
    <${FailureNote} failure=${failure} retry=${retry} />
    ${mayWrite && html`<${Empty}><p>${mayWrite} So no job can be set up with it.</p><//>`}
    ${!mayWrite && sources.isLoading && !sources.data && html`<${Loading} />`}
    ${!mayWrite && sources.data?.items.length === 0 && html`<${NoSources} />`}
    ${!mayWrite && sources.data?.items.length > 0 && html`<${Form} sources=${sources.data.items} organisations=${organisations.data?.items ?? []} versions=${versions} />`}`;
}

function NoSources() {
  return html`<${Empty}><h2>There is no source yet</h2>
    <p>A job runs a version of a source. Describe both in a file, and publish them:</p>
    <pre tabindex="0">prediction apply --file models.yaml</pre>
    <p><a href="/docs/">The API, request by request</a></p><//>`;
}

function Form({ sources, organisations, versions }) {
  const { query } = route.value;
  const organisation = query.organisation ?? onlyOrganisation.value ?? "";
  const [name, setName] = useState("");
  const [isActive, setActive] = useState(true);
  const [bound, setBound] = useState(/** @type {Record<string, Bound>} */ ({}));
  const [isTried, setTried] = useState(false);
  const known = /** @type {Schemas["SourceVersionItem"][]} */ (versions.data?.items ?? []);
  const offered = known.filter((version) => version.lifecycle.stage !== "withdrawn").reverse();
  const version =
    offered.find((item) => item.id === query.version) ??
    offered.find((item) => item.lifecycle.stage === "active") ??
    offered[0];
  const roles = version?.input_roles ?? [];
  const filled = roles.filter((role) => bound[role.role]?.text);
  const body = {
    organisation_id: organisation,
    job: { name, active: isActive, source_version_id: version?.id },
    role_bindings: filled.map((role) => ({
      role: role.role,
      input_id: bound[role.role].id || bound[role.role].text.trim(),
    })),
  };
  const [sent, setSent] = useState(/** @type {any} */ (null));
  const judged = useJudgement(version && organisation ? body : null);
  const told = sent ?? judged.failure;
  const at = mistakesByPointer(told?.entries ?? [], filled);
  // A field that is still empty is no mistake before the user tries to send the form.
  const shownAt = (/** @type {string} */ field, /** @type {boolean} */ isFilled) =>
    isFilled || isTried ? (at.get(field) ?? []) : [];
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setTried(true);
    try {
      const answer = await post("/jobs/setup", body);
      const isNew = answer.outcome.job === "created";
      const about = isNew ? "is set up." : "was there already, just like this: nothing was changed.";
      notice.value = { kind: "good", text: html`<${Name}>${answer.job.name}<//> ${about}`, isForNextPage: true };
      go(["jobs", answer.job.id]);
    } catch (error) {
      setSent(error);
      // The first field that is wrong, in the order in which they are read.
      requestAnimationFrame(() =>
        /** @type {HTMLElement | null} */ (document.querySelector("[aria-invalid=true]"))?.focus(),
      );
    }
  };
  const edit = (/** @type {() => void} */ change) => {
    setSent(null);
    change();
  };
  return html`<form class="setup" onSubmit=${submit} noValidate>
    <${Organisation} organisations=${organisations} chosen=${organisation} mistakes=${shownAt("/organisation_id", organisation !== "")} edit=${edit} />
    <${Field} id="source" label="Source" mistakes=${isTried && !query.source ? [{ message: "Choose what the job is to run." }] : []}>
      ${(
        /** @type {any} */ field,
      ) => html`<select ...${field} value=${query.source ?? ""} onChange=${(/** @type {any} */ event) => edit(() => narrow({ source: event.currentTarget.value, version: null }))}>
        <option value="">Choose a source</option>
        ${sources.map((/** @type {any} */ source) => html`<option value=${source.id}>${source.name}</option>`)}
      </select>`}
    <//>
    ${query.source && versions.data && offered.length === 0 && html`<p class="note warn">This source has no version that a job can run.</p>`}
    ${
      version &&
      html`<${Field} id="version" label="Version" mistakes=${at.get("/job/source_version_id") ?? []} note=${version.description}>
        ${(
          /** @type {any} */ field,
        ) => html`<select ...${field} value=${version.id} onChange=${(/** @type {any} */ event) => edit(() => narrow({ version: event.currentTarget.value }))}>
          ${offered.map((item) => html`<option value=${item.id}>${item.version}${item.lifecycle.stage === "active" ? "" : ` (${item.lifecycle.stage})`}</option>`)}
        </select>`}
      <//>
      <${Field} id="job-name" label="Name of the job" mistakes=${shownAt("/job/name", name !== "")}>
        ${(/** @type {any} */ field) => html`<input ...${field} value=${name} dir="auto" autocomplete="off" onInput=${(/** @type {any} */ event) => edit(() => setName(event.currentTarget.value))} />`}
      <//>
      <label class="check"><input type="checkbox" checked=${isActive} onChange=${(/** @type {any} */ event) => edit(() => setActive(event.currentTarget.checked))} /> Active from the start</label>
      ${roles.length > 0 && html`<h2>What it reads</h2>`}
      ${roles.map((role) => {
        const here = bound[role.role] ?? { text: "", id: "" };
        const set = (/** @type {Bound} */ next) => edit(() => setBound({ ...bound, [role.role]: next }));
        return html`<${Role} key=${`${version.id} ${role.role}`} role=${role} version=${version} organisation=${organisation} bound=${here} set=${set} mistakes=${shownAt(`role ${role.role}`, here.text !== "")} />`;
      })}
      <${Outcome} judged=${judged} told=${told} rest=${at.get("") ?? []} isTried=${isTried} isReady=${organisation !== ""} />
      <button class="main">Set up</button>`
    }
  </form>`;
}

/**
 * What the service says to the form, some time after the last letter: what it would do, or everything that is wrong.
 * @param {any} body
 */
function useJudgement(body) {
  const text = body && JSON.stringify(body);
  const [settled, setSettled] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return useLoad(settled, (signal) =>
    post("/jobs/setup", JSON.parse(/** @type {string} */ (settled)), { dry_run: true }, signal),
  );
}

/**
 * Each mistake at the field that it is about; what is about none of them, at the empty name.
 * @param {Schemas["ProblemEntry"][]} entries
 * @param {{ role: string }[]} filled the roles in the order in which they were sent
 */
function mistakesByPointer(entries, filled) {
  /** @type {Map<string, Schemas["ProblemEntry"][]>} */
  const found = new Map();
  for (const entry of entries) {
    const index = /^\/role_bindings\/(\d+)/.exec(entry.pointer ?? "")?.[1];
    const field =
      index !== undefined
        ? `role ${filled[Number(index)]?.role}`
        : isMissing(entry)
          ? `role ${entry.expected}`
          : ownField(entry.pointer);
    found.set(field, [...(found.get(field) ?? []), entry]);
  }
  return found;
}

/** Of a role that has to be bound and is not, the entry names the role. @param {Schemas["ProblemEntry"]} entry */
const isMissing = (entry) => entry.code === "missing_required_role" && typeof entry.expected === "string";

/** @param {string | undefined} pointer */
const ownField = (pointer) =>
  ["/organisation_id", "/job/name", "/job/source_version_id"].includes(pointer ?? "") ? String(pointer) : "";

function Field({ id, label, mistakes, note, children }) {
  const about = `${id}-about`;
  const field = { id, "aria-invalid": mistakes.length > 0 ? "true" : null, "aria-describedby": about };
  return html`<div class="field">
    <label for=${id}>${label}</label>
    ${children(field)}
    <div id=${about}>
      ${note && html`<p class="aside"><bdi>${note}</bdi></p>`}
      ${mistakes.map((/** @type {Schemas["ProblemEntry"]} */ entry) => html`<p class="mistake"><bdi>${sentence(entry)}</bdi></p>`)}
    </div>
  </div>`;
}

/** What is wrong with the field above it. @param {Schemas["ProblemEntry"]} entry */
function sentence(entry) {
  if (isMissing(entry)) return "Something has to be bound here.";
  return `${entry.message}${entry.hint ? `: ${entry.hint}` : ""}`;
}

function Organisation({ organisations, chosen, mistakes, edit }) {
  const isKnown = organisations.some((/** @type {{ id: string }} */ item) => item.id === chosen);
  const [isOther, setOther] = useState(false);
  if (onlyOrganisation.value) return null;
  const byId = isOther || (chosen !== "" && !isKnown && organisations.length > 0);
  const choose = (/** @type {any} */ event) => {
    const { value } = event.currentTarget;
    setOther(value === "other");
    edit(() => narrow({ organisation: value === "other" ? null : value }));
  };
  return html`<${Field} id="organisation" label="Organisation" mistakes=${byId ? [] : mistakes}>
      ${(/** @type {any} */ field) => html`<select ...${field} value=${byId ? "other" : chosen} onChange=${choose}>
        <option value="">Choose whose job it is</option>
        ${organisations.map((/** @type {any} */ item) => html`<option value=${item.id}>${organisationName(item, item.id)}</option>`)}
        <option value="other">Another one, by its id</option>
      </select>`}
    <//>
    ${
      byId &&
      html`<${Field} id="organisation-id" label="Id of the organisation" mistakes=${mistakes}>
      ${(/** @type {any} */ field) => html`<input ...${field} value=${chosen} spellcheck="false" onInput=${(/** @type {any} */ event) => edit(() => narrow({ organisation: event.currentTarget.value }))} />`}
    <//>`
    }`;
}

/** The field of a role, with what can be bound to it, the surest first. */
function Role({ role, version, organisation, bound, set, mistakes }) {
  const mayRead = hindrance("inputs:read");
  const search = async (/** @type {string} */ text, /** @type {AbortSignal} */ signal) => {
    if (!organisation || mayRead) return [];
    const query = { organisation_id: organisation, role: role.role, q: text, limit: 20 };
    const { items } = await get(`/source_versions/${version.id}/candidates`, query, signal);
    return items.map(option);
  };
  const about = `${role.input_kind}, ${role.metric}${role.unit ? ` in ${role.unit}` : ""}${role.required ? "" : ", not needed"}`;
  const id = `role-${role.role}`;
  const nothing =
    mayRead ??
    (organisation
      ? "Nothing that is registered fits. An id can be pasted all the same."
      : "Choose an organisation first.");
  const label = html`<${Name}>${role.role}<//> <span class="aside"><bdi>${about}</bdi></span>`;
  return html`<${Field} id=${id} label=${label} mistakes=${mistakes} note=${role.description}>
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

/** What sending the form would come to. */
function Outcome({ judged, told, rest, isTried, isReady }) {
  if (!isReady)
    return html`<p class="aside">Choose an organisation: then the form is checked while you fill it in.</p>`;
  if (told) {
    const count = told.entries.length;
    if (told.status !== 422 || count === 0) return html`<${FailureNote} failure=${told} />`;
    const other =
      rest.length > 0 &&
      html`<ul>${rest.map((/** @type {any} */ entry) => html`<li><code>${entry.pointer}</code> <bdi>${entry.message}</bdi> ${entry.hint && html`<bdi>${entry.hint}</bdi>`}</li>`)}</ul>`;
    return html`<div class=${`note ${isTried ? "bad" : ""}`} role="status">${count === 1 ? "One thing is" : `${count} things are`} missing or wrong.${other}</div>`;
  }
  if (!judged.data) return html`<p class="aside" role="status">${judged.isLoading ? "Checking…" : ""}</p>`;
  const { outcome, warnings } = judged.data;
  return html`<div class=${`note ${warnings.length > 0 ? "warn" : "good"}`} role="status">
    ${outcome.job === "created" ? "All of it fits: a new job would be created." : "This job is there already, just like this: nothing would be changed."}
    ${warnings.length > 0 && html`<ul>${warnings.map((/** @type {any} */ warning) => html`<li><bdi>${warning.message}</bdi></li>`)}</ul>`}
  </div>`;
}
