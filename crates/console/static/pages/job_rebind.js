// Binding something else to the roles of a job: judged by the service before it is done.

import { put } from "../api.js";
import {
  Mistakes,
  RoleField,
  bindingsOf,
  focusFirstMistake,
  mistakesByPointer,
  useJudgement,
} from "../contract_form.js";
import { html, useState } from "../html.js";
import { Name, notice } from "../parts.js";

/** @typedef {import("../contract_form.js").Bound} Bound */

/** @param {any} job what its fields begin with @returns {Record<string, Bound>} */
const boundBy = (job) =>
  Object.fromEntries(
    job.role_bindings.map((/** @type {any} */ binding) => [
      binding.role,
      { id: binding.input_id, text: nameOf(binding) ?? binding.input_id },
    ]),
  );

/** @param {any} binding */
const nameOf = ({ input, output }) => input?.name ?? (output && `${output.job_name}, ${output.role}`);

/** @param {{ job: any, roles: any[], reload: () => void, close: () => void }} props */
export function Rebind({ job, roles, reload, close }) {
  // What was touched here: the others are what the job has, also when it is read again.
  const [touched, setTouched] = useState(/** @type {Record<string, Bound>} */ ({}));
  const stored = boundBy(job);
  const bound = { ...stored, ...touched };
  const [sent, setSent] = useState(/** @type {any} */ (null));
  const [isSending, setSending] = useState(false);
  const filled = roles.filter((role) => bound[role.role]?.text);
  const bindings = bindingsOf(filled, bound);
  const before = bindingsOf(
    roles.filter((role) => stored[role.role]),
    stored,
  );
  const isOther = JSON.stringify(bindings) !== JSON.stringify(before);
  // Whose revision it is, is judged when it is sent: somebody may have changed the job while this is filled in.
  const judged = useJudgement(isOther ? { role_bindings: bindings } : null, (body) =>
    put(`/jobs/${job.id}`, body, { dry_run: true }),
  );
  const told = sent ?? judged.failure;
  const at = mistakesByPointer(told?.entries ?? [], filled);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setSending(true);
    try {
      const { warnings = [] } = await put(`/jobs/${job.id}`, { role_bindings: bindings, revision: job.revision });
      const said = warnings.map((/** @type {any} */ warning) => html`${" "}<bdi>${warning.message}</bdi>`);
      const kind = warnings.length > 0 ? "warn" : "good";
      notice.value = { kind, text: html`<${Name}>${job.name}<//> reads what you chose.${said}` };
      close();
      reload();
    } catch (error) {
      setSent(error);
      setSending(false);
      focusFirstMistake();
    }
  };
  return html`<form class="setup" onSubmit=${submit} noValidate>
    ${roles.map((role) => {
      const here = bound[role.role] ?? { text: "", id: "" };
      const set = (/** @type {Bound} */ next) => (setSent(null), setTouched({ ...touched, [role.role]: next }));
      return html`<${RoleField}
        key=${role.role}
        role=${role}
        version=${{ id: job.source_version_id }}
        organisation=${job.organisation_id}
        bound=${here}
        set=${set}
        mistakes=${at.get(`role ${role.role}`) ?? []}
      />`;
    })}
    ${sent?.status === 412 ? html`<${Changed} reload=${() => (setSent(null), reload())} />` : html`<${Mistakes} told=${told} rest=${at.get("") ?? []} isTried=${sent !== null} />`}
    ${!told && judged.data && html`<${Fits} warnings=${judged.data.warnings ?? []} />`}
    <div class="row">
      <button class="main" disabled=${!isOther || isSending}>Bind</button>
      <button type="button" onClick=${close}>Cancel</button>
    </div>
  </form>`;
}

/** What was chosen stays; only what the job is, is read again. */
export function Changed({ reload }) {
  return html`<div class="note warn" role="alert">
    Somebody else changed this job meanwhile. What you chose is kept.
    <button type="button" onClick=${reload}>Read the job again</button>
  </div>`;
}

function Fits({ warnings }) {
  return html`<div class=${`note ${warnings.length > 0 ? "warn" : "good"}`} role="status">
    All of it fits.
    ${warnings.length > 0 && html`<ul>${warnings.map((/** @type {any} */ warning) => html`<li><bdi>${warning.message}</bdi></li>`)}</ul>`}
  </div>`;
}
