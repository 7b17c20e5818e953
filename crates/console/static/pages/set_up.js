// Setting up a job: a form made from the contract of a version, judged by the service while it is filled in.

import { getAll, post } from "../api.js";
import {
  Field,
  Mistakes,
  RoleField,
  bindingsOf,
  focusFirstMistake,
  mistakesByPointer,
  useJudgement,
} from "../contract_form.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { OrganisationOptions, useOrganisations } from "../organisations.js";
import { Empty, FailureNote, Loading, Name, Rest, notice, useTitle } from "../parts.js";
import { go, narrow, route, to } from "../route.js";
import { hindrance, onlyOrganisation } from "../session.js";

/** @typedef {import("../schema.js").components["schemas"]} Schemas */
/** @typedef {import("../contract_form.js").Bound} Bound */

/** Fields of the form that are no roles. */
const OWN_FIELDS = ["/organisation_id", "/job/name", "/job/source_version_id"];

export function SetUpPage() {
  useTitle("Set up a job");
  const sources = useLoad("sources", (signal) => getAll("/sources", {}, signal));
  const organisations = useOrganisations();
  const { source } = route.value.query;
  const versions = useLoad(source ? `versions ${source}` : null, (signal) =>
    getAll("/source_versions", { source_id: source, expand: "contract" }, signal),
  );
  const failure = sources.failure ?? organisations.failure ?? versions.failure;
  const retry = () => [sources, organisations, versions].forEach((loaded) => loaded.reload());
  const mayWrite = hindrance("jobs:write");
  return html`<div class="title"><h1>Set up a job</h1></div>
    <${FailureNote} failure=${failure} retry=${retry} />
    ${mayWrite && html`<${Empty}><p>${mayWrite} So no job can be set up with it.</p><//>`}
    ${!mayWrite && sources.isLoading && !sources.data && html`<${Loading} />`}
    ${!mayWrite && sources.data?.items.length === 0 && html`<${NoSources} />`}
    ${!mayWrite && sources.data && sources.data.items.length > 0 && html`<${Form} sources=${sources.data.items} organisations=${organisations.items} versions=${versions} />`}
    <${Rest} loaded=${sources} kind="sources" />
    <${Rest} loaded=${organisations} kind="organisations" />`;
}

function NoSources() {
  return html`<${Empty}><h2>There is no source yet</h2>
    <p>A job runs a version of a source. Create one in the <a href="#/catalogue">catalogue</a>; or describe both in a file, and publish them:</p>
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
    role_bindings: bindingsOf(filled, bound),
  };
  const [sent, setSent] = useState(/** @type {any} */ (null));
  const judged = useJudgement(version && organisation ? body : null, (asked, signal) =>
    post("/jobs/setup", asked, { dry_run: true }, signal),
  );
  const told = sent ?? judged.failure;
  // Something else has that name: what differs is no mistake of the fields that differ.
  const taken = told?.problem?.resource === "job" ? told.problem : null;
  const at = mistakesByPointer(taken ? [] : (told?.entries ?? []), filled, OWN_FIELDS);
  if (taken)
    at.set("/job/name", [{ code: "conflict", message: "There is a job of that name already, and it is another one." }]);
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
      focusFirstMistake();
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
        return html`<${RoleField} key=${`${version.id} ${role.role}`} role=${role} version=${version} organisation=${organisation} bound=${here} set=${set} mistakes=${shownAt(`role ${role.role}`, here.text !== "")} />`;
      })}
      ${taken ? html`<${Taken} name=${name} problem=${taken} />` : html`<${Outcome} judged=${judged} told=${told} rest=${at.get("") ?? []} isTried=${isTried} isReady=${organisation !== ""} />`}
      <button class="main">Set up</button>`
    }
  </form>`;
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
        <${OrganisationOptions} items=${organisations} />
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

/** The job that has the name, and what is different of it. */
function Taken({ name, problem }) {
  return html`<div class="note warn" role="status">
    <a href=${to(["jobs", problem.existing_id])}><${Name}>${name}<//></a> is set up otherwise. Look at it, or choose another
    name.
    <ul>
      ${(problem.errors ?? []).map((/** @type {any} */ entry) => html`<li><bdi>${entry.message}</bdi></li>`)}
    </ul>
  </div>`;
}

/** What sending the form would come to. */
function Outcome({ judged, told, rest, isTried, isReady }) {
  if (!isReady)
    return html`<p class="aside">Choose an organisation: then the form is checked while you fill it in.</p>`;
  if (told) return html`<${Mistakes} told=${told} rest=${rest} isTried=${isTried} />`;
  if (!judged.data) return html`<p class="aside" role="status">${judged.isLoading ? "Checking…" : ""}</p>`;
  const { outcome, warnings } = judged.data;
  return html`<div class=${`note ${warnings.length > 0 ? "warn" : "good"}`} role="status">
    ${outcome.job === "created" ? "All of it fits: a new job would be created." : "This job is there already, just like this: nothing would be changed."}
    ${warnings.length > 0 && html`<ul>${warnings.map((/** @type {any} */ warning) => html`<li><bdi>${warning.message}</bdi></li>`)}</ul>`}
  </div>`;
}
