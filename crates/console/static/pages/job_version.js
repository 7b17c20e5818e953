// Going to another version: first what it would do, then doing it.

import { getAll, post } from "../api.js";
import {
  Mistakes,
  RoleField,
  bindingsOf,
  focusFirstMistake,
  isMissing,
  mistakesByPointer,
  useJudgement,
} from "../contract_form.js";
import { html, useRef, useState } from "../html.js";
import { useLoad } from "../load.js";
import { Name, Pending, notice } from "../parts.js";
import { hindrance } from "../session.js";
import { spoken } from "../words.js";
import { Changed, useSeen } from "./changed.js";
import { boundBy } from "./job_rebind.js";

/** @typedef {import("../contract_form.js").Bound} Bound */

/** What the words of a plan mean. @type {Record<string, string>} */
const ACTIONS = {
  kept: "stays as it is",
  renamed: "takes over what was bound to its former name",
  rebound: "is bound anew",
  bound: "is bound for the first time",
  dropped: "is no longer read",
  unbound: "stays without anything",
  added: "is new",
  removed: "is no longer predicted",
};

export function Version({ job, reload }) {
  const versions = useLoad(`versions ${job.source_id}`, (signal) =>
    getAll("/source_versions", { source_id: job.source_id, expand: "contract" }, signal),
  );
  const mayWrite = hindrance("jobs:write");
  const others = (versions.data?.items ?? []).filter(
    (/** @type {any} */ version) => version.id !== job.source_version_id && version.lifecycle.stage !== "withdrawn",
  );
  const { version, lifecycle } = job.source_version ?? {};
  return html`<section aria-labelledby="version">
    <h2 id="version">Version</h2>
    <p>
      It runs <strong><${Name}>${version}<//></strong>${lifecycle && lifecycle.stage !== "active" && `, which is ${lifecycle.stage}`}.
    </p>
    ${lifecycle?.reason && html`<p><bdi>${lifecycle.reason}</bdi></p>`}
    <${Pending} loaded=${versions} />
    ${mayWrite && html`<p class="aside">${mayWrite} So it cannot be changed with it.</p>`}
    ${versions.data && others.length === 0 && html`<p class="aside">Its source has no other version that it could run.</p>`}
    ${!mayWrite && others.length > 0 && html`<${Upgrade} job=${job} others=${others.reverse()} reload=${reload} />`}
  </section>`;
}

function Upgrade({ job, others, reload }) {
  const [chosen, setChosen] = useState("");
  const [bound, setBound] = useState(/** @type {Record<string, Bound>} */ ({}));
  const [sent, setSent] = useState(/** @type {any} */ (null));
  const [isSending, setSending] = useState(false);
  const seen = useSeen(job, reload);
  const version = others.find((/** @type {any} */ other) => other.id === chosen);
  const roles = version?.input_roles ?? [];
  const filled = roles.filter((/** @type {any} */ role) => bound[role.role]?.text);
  const body = version && { source_version_id: version.id, role_bindings: bindingsOf(filled, bound) };
  const judged = useJudgement(body, (asked, signal) =>
    post(`/jobs/${job.id}/upgrade`, asked, { dry_run: true }, signal),
  );
  const told = sent ?? judged.failure;
  const { plan, entries } = useLast(chosen, judged, told);
  const at = mistakesByPointer(told?.entries ?? [], filled);
  const former = new Map((plan?.inputs ?? []).map((/** @type {any} */ step) => [step.role, step.previous_role]));
  const isChanged = entries.some((entry) => entry.code === "role_changed");
  const missing = new Set(entries.filter(isMissing).map((entry) => entry.expected));
  const otherwise = roles.filter((/** @type {any} */ role) =>
    differences(job.source_version, version, "input", role.role, former.get(role.role)).some(
      ({ member }) => member !== "required",
    ),
  );
  const again = new Set(isChanged ? otherwise.map((/** @type {any} */ role) => role.role) : []);
  // What is new and not needed can be bound at once.
  const offered = new Set(
    (plan?.inputs ?? [])
      .filter((/** @type {any} */ step) => step.action === "unbound" && isNew(job.source_version, step))
      .map((/** @type {any} */ step) => step.role),
  );
  // Those that are missing or measured in another way, and those that were: what was chosen can be changed.
  const asked = roles.filter(
    (/** @type {any} */ role) =>
      bound[role.role] || missing.has(role.role) || again.has(role.role) || offered.has(role.role),
  );
  const stored = boundBy(job);
  const mistakesOf = (/** @type {any} */ role) =>
    at.get(`role ${role.role}`) ??
    (again.has(role.role) && !bound[role.role]?.text ? [{ message: MEASURED_OTHERWISE }] : []);
  // What a field says is not said again below.
  const rest = (at.get("") ?? []).filter((entry) => entry.code !== "role_changed" || otherwise.length === 0);
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setSending(true);
    try {
      await post(`/jobs/${job.id}/upgrade`, { ...body, revision: seen.revision });
      notice.value = { kind: "good", text: html`<${Name}>${job.name}<//> runs <${Name}>${version.version}<//> now.` };
      setChosen("");
      reload();
    } catch (error) {
      setSent(error);
      focusFirstMistake();
    }
    setSending(false);
  };
  const choose = (/** @type {any} */ event) => {
    setSent(null);
    setBound({});
    setChosen(event.currentTarget.value);
    seen.begin();
  };
  return html`<form class="setup" onSubmit=${submit} noValidate>
    <div class="field">
      <label for="to">Change it to</label>
      <select id="to" value=${chosen} onChange=${choose}>
        <option value="">Choose a version, and see what it would do</option>
        ${others.map((/** @type {any} */ other) => html`<option value=${other.id}>${other.version}${other.lifecycle.stage === "active" ? "" : ` (${other.lifecycle.stage})`}</option>`)}
      </select>
    </div>
    ${version && judged.isLoading && !plan && html`<p class="aside" role="status">Looking what it would do…</p>`}
    ${version && plan && html`<${Plan} plan=${plan} before=${job.source_version} after=${version} missing=${missing} again=${again} />`}
    ${
      version &&
      asked.map(
        (/** @type {any} */ role) => html`<${RoleField}
      key=${`${version.id} ${role.role}`}
      role=${role}
      version=${version}
      organisation=${job.organisation_id}
      bound=${bound[role.role] ?? { text: "", id: "" }}
      set=${(/** @type {Bound} */ next) => (setSent(null), setBound({ ...bound, [role.role]: next }))}
      now=${stored[former.get(role.role) ?? role.role]?.text ?? null}
      mistakes=${mistakesOf(role)}
    />`,
      )
    }
    ${version && (sent?.status === 412 || seen.isOld) ? html`<${Changed} what="job" goOn=${() => (setSent(null), seen.goOn(), judged.reload())} />` : version && html`<${Mistakes} told=${told} rest=${rest} isTried=${sent !== null} />`}
    ${version && judged.data?.warnings?.length > 0 && html`<ul class="note warn">${judged.data.warnings.map((/** @type {any} */ warning) => html`<li><bdi>${warning.message}</bdi></li>`)}</ul>`}
    ${version && html`<button class="main" disabled=${!judged.data || !judged.isSettled || isSending || seen.revision === null || seen.isOld}>Change to <bdi>${version.version}</bdi></button>`}
  </form>`;
}

const MEASURED_OTHERWISE = "It is measured in another way now: choose again, the same one if it fits.";

/**
 * What the service said last to a version: while it is asked again, the plan and its fields stay where they are.
 * @param {string} chosen
 * @param {{ data: any }} judged
 * @param {any} told
 * @returns {{ plan: any, entries: import("../api.js").Entry[] }}
 */
function useLast(chosen, judged, told) {
  const last = useRef({ chosen: "", plan: null, entries: [] });
  const plan = judged.data?.plan ?? told?.problem?.plan;
  if (plan) last.current = { chosen, plan, entries: told?.entries ?? [] };
  return last.current.chosen === chosen ? last.current : { plan: null, entries: [] };
}

/** What of a role may be another in the next version. */
const MEMBERS = ["input_kind", "metric", "unit", "required"];

/**
 * @param {any} before the contract that the job has
 * @param {any} after the one to which it goes
 * @param {"input" | "output"} what
 * @param {string} role
 * @param {string | null} previous
 * @returns {{ member: string, from: any, to: any }[]}
 */
function differences(before, after, what, role, previous) {
  const find = (/** @type {any} */ contract, /** @type {string} */ name) =>
    contract?.[`${what}_roles`]?.find((/** @type {any} */ known) => known.role === name);
  const [old, next] = [find(before, previous ?? role), find(after, role)];
  if (!old || !next) return [];
  return MEMBERS.map((member) => ({ member, from: old[member], to: next[member] })).filter(
    ({ from, to }) => from !== to,
  );
}

/** Whether the version before has no such input. @param {any} before @param {any} step */
const isNew = (before, { role, previous_role: previous }) =>
  !before?.input_roles?.some((/** @type {any} */ known) => known.role === (previous ?? role));

/**
 * @param {{
 *   plan: import("../words.js").Schemas["UpgradePlan"], before: any, after: any,
 *   missing: Set<unknown>, again: Set<string>,
 * }} props
 */
function Plan({ plan, before, after, missing, again }) {
  const rows = [
    ...plan.inputs.map((step) => ({ ...step, what: /** @type {const} */ ("input") })),
    ...plan.outputs.map((step) => ({ ...step, what: /** @type {const} */ ("output"), previous_role: null })),
  ];
  const whatHappens = (/** @type {any} */ step) =>
    step.what === "input" && missing.has(step.role)
      ? "has to be bound"
      : step.what === "input" && again.has(step.role)
        ? "has to be chosen again"
        : step.what === "input" && step.action === "unbound" && isNew(before, step)
          ? "is new, and need not be bound"
          : (ACTIONS[step.action] ?? spoken(step.action));
  return html`<table class="plainrows stacked">
    <caption class="hidden">
      What the change of version would do
    </caption>
    <thead>
      <tr>
        <th scope="col">Role</th>
        <th scope="col">Is</th>
        <th scope="col">What happens</th>
      </tr>
    </thead>
    <tbody>
      ${rows.map(
        (step) =>
          html`<tr key=${`${step.what} ${step.role}`}>
            <td><${Name}>${step.role}<//></td>
            <td>an ${step.what}</td>
            <td>
              ${whatHappens(step)}${step.previous_role && html`, <${Name}>${step.previous_role}<//>`}
              ${differences(before, after, step.what, step.role, step.previous_role).map(({ member, from, to }) => html`<div class="aside">${spoken(member)}: <bdi>${String(from ?? "nothing")}</bdi> → <bdi>${String(to ?? "nothing")}</bdi></div>`)}
            </td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}
