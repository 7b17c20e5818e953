// One version of a model: its contract, what changed since another one, where it is in its life, and who could go to it.

import { get, put } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { FailureNote, Name, Pending, notice } from "../parts.js";
import { to } from "../route.js";
import { hindrance } from "../session.js";
import { STATUSES, spoken } from "../words.js";
import { Impact } from "./catalogue_impact.js";
import { Metric } from "./job_bindings.js";

const STAGES = ["active", "deprecated", "withdrawn"];

/** What the stages come to. @type {Record<string, string>} */
const MEANINGS = {
  active: "Jobs can be set up with it.",
  deprecated: "Jobs go on running it, and who sets one up with it is warned.",
  withdrawn: "Jobs go on running it, and no other job comes to it.",
};

export function VersionPage({ source, version, others, jobs, reload }) {
  const running = STATUSES.filter((status) => jobs?.[status]);
  return html`<div class="title">
      <h1><${Name}>${source.name}<//> <${Name}>${version.version}<//></h1>
      <span class="stage">${version.lifecycle.stage}</span>
    </div>
    ${version.description && html`<p class="lead"><bdi>${version.description}</bdi></p>`}
    ${version.lifecycle.reason && html`<p>${spoken(version.lifecycle.stage)}: <bdi>${version.lifecycle.reason}</bdi></p>`}
    <p>
      ${running.length === 0 ? "No job runs it." : html`Jobs that run it: ${running.map((status, index) => html`${index > 0 && ", "}<a href=${to([], { source_id: source.id, health: status })}>${jobs[status]} ${spoken(status)}</a>`)}.`}
    </p>
    <${Contract} version=${version} />
    ${others.length > 0 && html`<${Comparison} version=${version} others=${others} />`}
    <${Life} version=${version} others=${others} reload=${reload} />
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

function Life({ version, others, reload }) {
  const mayWrite = hindrance("catalog:write");
  const { lifecycle } = version;
  const [stage, setStage] = useState(lifecycle.stage);
  const [reason, setReason] = useState(lifecycle.reason ?? "");
  const [next, setNext] = useState(lifecycle.replaced_by ?? "");
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    const replacement = stage === "active" ? {} : { replaced_by: next || null };
    try {
      await put(`/source_versions/${version.id}/lifecycle`, {
        stage,
        reason: reason || null,
        revision: lifecycle.revision,
        ...replacement,
      });
      notice.value = { kind: "good", text: html`<${Name}>${version.version}<//> is ${stage} now. ${MEANINGS[stage]}` };
      reload();
    } catch (error) {
      setFailure(error);
    }
  };
  return html`<section aria-labelledby="life">
    <h2 id="life">Life</h2>
    ${mayWrite && html`<p class="aside">${mayWrite} So its stage cannot be changed with it.</p>`}
    ${
      !mayWrite &&
      html`<form class="setup" onSubmit=${submit}>
        <div class="field">
          <label for="stage">Stage</label>
          <select id="stage" value=${stage} aria-describedby="stage-about" onChange=${(/** @type {any} */ event) => setStage(event.currentTarget.value)}>
            ${STAGES.map((known) => html`<option value=${known}>${known}</option>`)}
          </select>
          <p id="stage-about" class="aside">${MEANINGS[stage]}</p>
        </div>
        <div class="field">
          <label for="reason">Why</label>
          <input id="reason" value=${reason} dir="auto" autocomplete="off" onInput=${(/** @type {any} */ event) => setReason(event.currentTarget.value)} />
        </div>
        ${
          stage !== "active" &&
          html`<div class="field">
            <label for="next">To use instead</label>
            <select id="next" value=${next} onChange=${(/** @type {any} */ event) => setNext(event.currentTarget.value)}>
              <option value="">Not said</option>
              ${others.map((/** @type {any} */ item) => html`<option value=${item.id}>${item.version}</option>`)}
            </select>
          </div>`
        }
        <${FailureNote} failure=${failure} />
        <button class=${stage === lifecycle.stage ? "" : "main"}>${stage === lifecycle.stage ? "Save" : html`Make it ${stage}`}</button>
      </form>`
    }
  </section>`;
}
