// One version of a model: its contract, what changed since another one, where it is in its life, and who could go to
// it.

import { get, put } from "../api.js";
import { Field, focusFirstMistake } from "../contract_form.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { FailureNote, Name, Pending, notice } from "../parts.js";
import { to } from "../route.js";
import { hindrance } from "../session.js";
import { STATUSES, spoken } from "../words.js";
import { Impact } from "./catalogue_impact.js";
import { Changed, useSeen } from "./changed.js";
import { Metric } from "./job_bindings.js";

const STAGES = ["active", "deprecated", "withdrawn"];

/** What the stages come to. @type {Record<string, string>} */
const MEANINGS = {
  active: "Jobs can be set up with it.",
  deprecated: "Jobs go on running it, and who sets one up with it is warned.",
  withdrawn: "Jobs go on running it, and no other job comes to it.",
};

export function VersionPage({ source, version, others, jobs, reload }) {
  const statuses = STATUSES.filter((status) => jobs?.[status]);
  return html`<div class="title">
      <h1><${Name}>${source.name}<//> <${Name}>${version.version}<//></h1>
      <span class="stage">${version.lifecycle.stage}</span>
    </div>
    ${version.description && html`<p class="lead"><bdi>${version.description}</bdi></p>`}
    ${version.lifecycle.reason && html`<p>${spoken(version.lifecycle.stage)}: <bdi>${version.lifecycle.reason}</bdi></p>`}
    <p>
      ${statuses.length === 0 ? "No job runs it." : html`Jobs that run it: ${statuses.map((status, index) => html`${index > 0 && ", "}<a href=${to([], { source_id: source.id, health: status })}>${jobs[status]} ${spoken(status)}</a>`)}.`}
    </p>
    <${Contract} version=${version} />
    ${others.length > 0 && html`<${Comparison} version=${version} others=${others} />`}
    <${Life} version=${version} others=${others} jobs=${jobs} reload=${reload} />
    ${others.length > 0 && html`<${Impact} version=${version} reload=${reload} />`}`;
}

function Contract({ version }) {
  const row = (/** @type {any} */ role, /** @type {string} */ what) => html`<tr key=${`${what} ${role.role}`}>
    <td><${Name}>${role.role}<//></td>
    <td>${what}</td>
    <td>${role.input_kind && html`<${Name}>${role.input_kind}<//> of `}<${Metric} of=${role} /></td>
    <td>${role.required ? "" : "not needed"}</td>
  </tr>`;
  return html`<section aria-labelledby="contract">
    <h2 id="contract">Contract</h2>
    <table class="plainrows stacked">
      <thead>
        <tr>
          <th scope="col">Role</th>
          <th scope="col">Is</th>
          <th scope="col">Of what</th>
          <th scope="col"><span class="hidden">Needed</span></th>
        </tr>
      </thead>
      <tbody>
        ${version.input_roles.map((/** @type {any} */ role) => row(role, "input"))}
        ${version.output_roles.map((/** @type {any} */ role) => row(role, "output"))}
      </tbody>
    </table>
  </section>`;
}

function Comparison({ version, others }) {
  const [other, setOther] = useState(others[0].id);
  const compared = useLoad(`comparison ${version.id} ${other}`, (signal) =>
    get(`/source_versions/${version.id}/comparison`, { with: other }, signal),
  );
  const roles = [
    ...(compared.data?.input_roles ?? []).map((/** @type {any} */ role) => ({ ...role, what: "input" })),
    ...(compared.data?.output_roles ?? []).map((/** @type {any} */ role) => ({ ...role, what: "output" })),
  ];
  return html`<section aria-labelledby="comparison">
    <h2 id="comparison">What is different</h2>
    <div class="filters">
      <label for="with">From</label>
      <select id="with" value=${other} onChange=${(/** @type {any} */ event) => setOther(event.currentTarget.value)}>
        ${others.map((/** @type {any} */ item) => html`<option value=${item.id}>${item.version}</option>`)}
      </select>
      <span>to <${Name}>${version.version}<//>${compared.data && html`: ${spoken(compared.data.compatibility)}`}</span>
    </div>
    <${Pending} loaded=${compared} />
    ${
      compared.data &&
      html`<table class="plainrows stacked">
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Is</th>
            <th scope="col">What became of it</th>
          </tr>
        </thead>
        <tbody>
          ${roles.map(
            (role) =>
              html`<tr key=${`${role.what} ${role.role}`}>
                <td><${Name}>${role.role}<//>${role.previous_role && html`, before <${Name}>${role.previous_role}<//>`}</td>
                <td>${role.what}</td>
                <td>
                  ${spoken(role.change)}${role.differences.map((/** @type {any} */ difference) => html`<div class="aside"><bdi>${difference.member}</bdi>: <bdi>${shown(difference.from)}</bdi> → <bdi>${shown(difference.to)}</bdi></div>`)}
                </td>
              </tr>`,
          )}
        </tbody>
      </table>`
    }
  </section>`;
}

/** @param {unknown} value */
const shown = (value) => (value === null || value === undefined ? "nothing" : String(value));

/** What is to become of the stage; judged by the service, and confirmed, before jobs notice it. */
function Life({ version, others, jobs, reload }) {
  const mayWrite = hindrance("catalog:write");
  const { lifecycle } = version;
  const seen = useSeen(lifecycle, reload);
  const [stage, setStage] = useState(lifecycle.stage);
  const [reason, setReason] = useState(lifecycle.reason ?? "");
  const [next, setNext] = useState(lifecycle.replaced_by ?? "");
  const [isJudged, setJudged] = useState(false);
  const [isSending, setSending] = useState(false);
  const [isTried, setTried] = useState(false);
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const isSame = stage === lifecycle.stage;
  const isUnsaid = stage !== "active" && reason.trim() === "";
  const edit = (/** @type {() => void} */ change) => {
    setJudged(false);
    setFailure(null);
    change();
  };
  const send = async (/** @type {boolean} */ isRehearsal) => {
    const replacement = stage === "active" ? {} : { replaced_by: next || null };
    const body = { stage, reason: reason.trim() || null, revision: seen.revision, ...replacement };
    setSending(true);
    setFailure(null);
    try {
      await put(`/source_versions/${version.id}/lifecycle`, body, isRehearsal ? { dry_run: true } : {});
      setJudged(isRehearsal);
      if (!isRehearsal) {
        const text = html`<${Name}>${version.version}<//> is ${stage} now. ${MEANINGS[stage]}`;
        notice.value = { kind: "good", text };
        seen.next();
      }
    } catch (error) {
      setFailure(error);
      setJudged(false);
    }
    setSending(false);
  };
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    setTried(isUnsaid);
    if (isUnsaid) focusFirstMistake();
    else send(!isSame && !isJudged);
  };
  const isOld = failure?.status === 412 || seen.isOld;
  const missing = isTried && isUnsaid ? [{ message: "Say why: it is what those who run it will read." }] : [];
  return html`<section aria-labelledby="life">
    <h2 id="life">Life</h2>
    ${mayWrite && html`<p class="aside">${mayWrite} So its stage cannot be changed with it.</p>`}
    ${
      !mayWrite &&
      html`<form class="setup" onSubmit=${submit} noValidate>
        <${Field} id="stage" label="Stage" mistakes=${[]} note=${MEANINGS[stage]}>
          ${(
            /** @type {any} */ field,
          ) => html`<select ...${field} value=${stage} onChange=${(/** @type {any} */ event) => edit(() => setStage(event.currentTarget.value))}>
            ${STAGES.map((known) => html`<option value=${known}>${known}</option>`)}
          </select>`}
        <//>
        <${Field} id="reason" label="Why" mistakes=${missing}>
          ${(/** @type {any} */ field) => html`<input ...${field} value=${reason} dir="auto" autocomplete="off" onInput=${(/** @type {any} */ event) => edit(() => setReason(event.currentTarget.value))} />`}
        <//>
        ${
          stage !== "active" &&
          html`<div class="field">
            <label for="next">To use instead</label>
            <select id="next" value=${next} onChange=${(/** @type {any} */ event) => edit(() => setNext(event.currentTarget.value))}>
              <option value="">Not said</option>
              ${others.map((/** @type {any} */ item) => html`<option value=${item.id}>${item.version}</option>`)}
            </select>
          </div>`
        }
        ${isOld ? html`<${Changed} what="version" goOn=${() => edit(seen.goOn)} />` : html`<${FailureNote} failure=${failure} />`}
        ${isJudged && !isOld && html`<p class="note warn" role="status">It would be ${stage}. ${running(jobs)} Nothing is changed yet.</p>`}
        <div class="row">
          <button class=${isSame ? "" : "main"} disabled=${isSending || isOld || seen.revision === null}>${isSame ? "Save" : html`${isJudged ? "Yes, make" : "Make"} it ${stage}`}</button>
          ${isJudged && html`<button type="button" onClick=${() => edit(() => {})}>Cancel</button>`}
        </div>
      </form>`
    }
  </section>`;
}

/** @param {Record<string, number> | undefined} counts */
function running(counts) {
  const count = STATUSES.reduce((sum, status) => sum + (counts?.[status] ?? 0), 0);
  return count === 0 ? "No job runs it." : count === 1 ? "1 job runs it." : `${count} jobs run it.`;
}
