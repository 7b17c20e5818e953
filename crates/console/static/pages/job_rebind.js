// Binding something else to the roles of a job: judged by the service before it is done.

import { put } from "../api.js";
import {
  Mistakes,
  RoleField,
  bindingsOf,
  fieldOf,
  focusFirstMistake,
  mistakesByPointer,
  useJudgement,
} from "../contract_form.js";
import { html, useLayoutEffect, useState } from "../html.js";
import { Name, notice } from "../parts.js";
import { Changed, useSeen } from "./changed.js";

/** @typedef {import("../contract_form.js").Bound} Bound */

/** @param {any} job what its fields begin with @returns {Record<string, Bound>} */
export const boundBy = (job) =>
  Object.fromEntries(
    job.role_bindings.map((/** @type {any} */ binding) => [
      binding.role,
      { id: binding.input_id, text: nameOf(binding) ?? binding.input_id },
    ]),
  );

/** @param {any} binding */
const nameOf = ({ input, output }) => input?.name ?? (output && `${output.job_name}, ${output.role}`);

/** @typedef {{ role: string, isEmptied: boolean }} Begin the role that is changed first, and whether by taking away */

/** @param {{ job: any, roles: any[], begin: Begin, reload: () => void, close: () => void }} props */
export function Rebind({ job, roles, begin, reload, close }) {
  // What was touched here: the others are what the job has, also when it is read again.
  const [touched, setTouched] = useState(
    /** @type {Record<string, Bound>} */ (begin.isEmptied ? { [begin.role]: { id: "", text: "" } } : {}),
  );
  useLayoutEffect(() => document.getElementById(fieldOf(begin.role))?.focus(), []);
  const seen = useSeen(job, reload);
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
      const { warnings = [] } = await put(`/jobs/${job.id}`, { role_bindings: bindings, revision: seen.revision });
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
      const was = stored[role.role]?.text ?? "nothing";
      const set = (/** @type {Bound} */ next) => (setSent(null), setTouched({ ...touched, [role.role]: next }));
      return html`<${RoleField}
        key=${role.role}
        role=${role}
        version=${{ id: job.source_version_id }}
        organisation=${job.organisation_id}
        bound=${here}
        now=${touched[role.role] && (here.text || "nothing") !== was ? was : null}
        set=${set}
        mistakes=${at.get(`role ${role.role}`) ?? []}
      />`;
    })}
    ${sent?.status === 412 || seen.isOld ? html`<${Changed} what="job" goOn=${() => (setSent(null), seen.goOn())} />` : html`<${Mistakes} told=${told} rest=${at.get("") ?? []} isTried=${sent !== null} />`}
    ${!told && judged.data && html`<${Fits} warnings=${judged.data.warnings ?? []} />`}
    <div class="row">
      <button class="main" disabled=${!isOther || isSending || seen.revision === null || seen.isOld}>Save</button>
      <button type="button" onClick=${close}>Cancel</button>
    </div>
  </form>`;
}

function Fits({ warnings }) {
  return html`<div class=${`note ${warnings.length > 0 ? "warn" : "good"}`} role="status">
    All of it fits.
    ${warnings.length > 0 && html`<ul>${warnings.map((/** @type {any} */ warning) => html`<li><bdi>${warning.message}</bdi></li>`)}</ul>`}
  </div>`;
}
