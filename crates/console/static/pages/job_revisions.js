// What a job was, who changed it, and the way back.

import { get, getAll, post } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { FailureNote, Name, Pending, Time, notice } from "../parts.js";
import { hindrance } from "../session.js";
import { spoken } from "../words.js";
import { FormerlyBound } from "./job_values.js";

export function Revisions({ job, now, reload }) {
  const loaded = useLoad(`revisions ${job.id} ${job.revision}`, (signal) =>
    getAll(`/jobs/${job.id}/revisions`, {}, signal),
  );
  const [open, setOpen] = useState(/** @type {{ revision: number, what: string } | null} */ (null));
  const mayWrite = hindrance("jobs:write");
  // The list begins with the oldest one; people ask about the newest.
  const items = /** @type {any[]} */ ([...(loaded.data?.items ?? [])].reverse());
  const toggle = (/** @type {number} */ revision, /** @type {string} */ what) =>
    setOpen(open?.revision === revision && open.what === what ? null : { revision, what });
  const oldest = items.at(-1)?.revision;
  return html`<section aria-labelledby="revisions">
    <h2 id="revisions">Revisions</h2>
    ${loaded.data ? html`<${FailureNote} failure=${loaded.failure} retry=${loaded.reload} />` : html`<${Pending} loaded=${loaded} />`}
    <table class="plainrows stacked">
      <thead>
        <tr>
          <th scope="col" class="number">Revision</th>
          <th scope="col">Changed</th>
          <th scope="col">By</th>
          <th scope="col">Name</th>
          <th scope="col">State</th>
          <th scope="col"><span class="hidden">Actions</span></th>
        </tr>
      </thead>
      ${items.map((item) => {
        const { revision } = item;
        const what = open && open.revision === revision ? open.what : null;
        const isCurrent = revision === job.revision;
        return html`<tbody key=${revision}>
          <tr>
            <td class="number" data-label="revision">${revision}</td>
            <td data-label="changed"><${Time} at=${item.changed_at} now=${now} /></td>
            <td data-label="by">
              ${item.changed_by ? html`<${Name}>${item.changed_by}<//>` : html`<span class="none">not known</span>`}
            </td>
            <td data-label="name"><${Name}>${item.name}<//></td>
            <td>${item.active ? "active" : "paused"}${isCurrent && ", current"}</td>
            <td class="actions">
              ${revision !== oldest && html`<button class="quiet" aria-expanded=${what === "changes"} aria-label=${`What changed with revision ${revision}`} onClick=${() => toggle(revision, "changes")}>What changed</button>`}
              ${!isCurrent && html`<button disabled=${mayWrite !== null} title=${mayWrite} aria-expanded=${what === "restore"} aria-label=${`Restore revision ${revision}`} onClick=${() => toggle(revision, "restore")}>Restore…</button>`}
            </td>
          </tr>
          ${
            what &&
            html`<tr class="more">
              <td colspan="6">
                ${what === "restore" ? html`<${Restore} job=${job} revision=${revision} done=${() => (setOpen(null), reload())} cancel=${() => setOpen(null)} />` : html`<${Changes} job=${job} revision=${revision} />`}
              </td>
            </tr>`
          }
        </tbody>`;
      })}
    </table>
    ${loaded.data?.next_cursor && html`<p class="aside">These are the first ${items.length}. The job has later ones, which the API lists.</p>`}
  </section>`;
}

/** What one revision changed; with another one to compare with, what going to it would change. */
function Changes({ job, revision, from }) {
  const loaded = useLoad(`changes ${job.id} ${revision} ${from}`, (signal) =>
    get(`/jobs/${job.id}/revisions/${revision}/comparison`, { with: from }, signal),
  );
  if (!loaded.data) return html`<${Pending} loaded=${loaded} />`;
  const { differences } = loaded.data;
  if (differences.length === 0) return html`<p class="aside">Nothing is different.</p>`;
  return html`<table class="plainrows stacked">
    <thead>
      <tr>
        <th scope="col">What</th>
        <th scope="col">From</th>
        <th scope="col">To</th>
      </tr>
    </thead>
    <tbody>
      ${differences.map(
        (/** @type {any} */ { member, role, from, to }) =>
          html`<tr>
            <td>${member === "role_bindings" ? "input" : spoken(member)}${role && html` of <${Name}>${role}<//>`}</td>
            <td data-label="from"><${Side} job=${job} value=${from} /></td>
            <td data-label="to"><${Side} job=${job} value=${to} /></td>
          </tr>`,
      )}
    </tbody>
  </table>`;
}

/** What was, or is: an input by its name, if the job still reads it. */
function Side({ job, value }) {
  if (value?.input_id) return html`<${FormerlyBound} job=${job} binding=${value} />`;
  return html`<bdi>${shown(value)}</bdi>`;
}

/** A value of any kind as text. @param {any} value */
function shown(value) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "object") return String(value);
  return Object.entries(value)
    .map(([name, part]) => `${spoken(name)} ${typeof part === "object" ? JSON.stringify(part) : part}`)
    .join(", ");
}

function Restore({ job, revision, done, cancel }) {
  // The same code in the same transaction, rolled back: so what is refused is known before.
  const body = { revision };
  const judged = useLoad(`restore ${job.id} ${revision} ${job.revision}`, (signal) =>
    post(`/jobs/${job.id}/restore`, body, { dry_run: true }, signal),
  );
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const restore = async () => {
    try {
      await post(`/jobs/${job.id}/restore`, body);
      notice.value = {
        kind: "good",
        text: html`<${Name}>${job.name}<//> is again what it was at revision ${revision}.`,
      };
      done();
    } catch (error) {
      setFailure(error);
    }
  };
  if (judged.data?.revision === job.revision) {
    return html`<p class="aside">The job is what it was then: there is nothing to restore.</p>`;
  }
  return html`<h3>Restoring revision ${revision} would change</h3>
    <${Changes} job=${job} revision=${revision} from=${job.revision} />
    <${FailureNote} failure=${failure ?? judged.failure} />
    ${judged.data?.warnings?.map((/** @type {any} */ warning) => html`<div class="note warn"><bdi>${warning.message}</bdi></div>`)}
    <p>
      <button class="main" disabled=${!judged.data} onClick=${restore}>Restore revision ${revision}</button
      >${" "}<button onClick=${cancel}>Cancel</button>
    </p>`;
}
