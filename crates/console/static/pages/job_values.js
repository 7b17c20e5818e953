// The values of a chart as a table, and where each of them came from.

import { get } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { Name, Pending } from "../parts.js";
import { to } from "../route.js";
import { local } from "../time.js";
import { Bound } from "./job_bindings.js";

/** @typedef {import("../schema.js").components["schemas"]} Schemas */

const ROWS = 200;

/** @param {{ job: any, items: Schemas["Prediction"][], asOf?: string }} props the values in the order of time */
export function ValuesTable({ job, items, asOf }) {
  const [open, setOpen] = useState("");
  const units = new Map(job.outputs.map((/** @type {any} */ output) => [output.role, output.unit]));
  const rows = items.slice(-ROWS).reverse();
  return html`<details>
    <summary>The values as a table, and where they came from</summary>
    <table class="plainrows stacked">
      <thead>
        <tr>
          <th scope="col">At</th>
          <th scope="col">Role</th>
          <th scope="col" class="number">Value</th>
          <th scope="col">Issued</th>
          <th scope="col"><span class="hidden">Actions</span></th>
        </tr>
      </thead>
      ${rows.map((item) => {
        const key = `${item.role} ${item.at}`;
        const isOpen = open === key;
        return html`<tbody key=${key}>
          <tr>
            <td>${local(item.at)}</td>
            <td data-label="role"><${Name}>${item.role}<//></td>
            <td class="number" data-label="value">${item.value} <bdi>${units.get(item.role)}</bdi></td>
            <td data-label="issued">${local(item.issued_at)}</td>
            <td class="actions">
              <button
                class="quiet"
                aria-expanded=${isOpen}
                aria-label=${`Where from: ${item.role}, ${local(item.at)}`}
                onClick=${() => setOpen(isOpen ? "" : key)}
              >
                Where from
              </button>
            </td>
          </tr>
          ${
            isOpen &&
            html`<tr class="more">
              <td colspan="5"><${Origin} job=${job} value=${item} asOf=${asOf} /></td>
            </tr>`
          }
        </tbody>`;
      })}
    </table>
    ${items.length > ROWS && html`<p class="aside">The last ${ROWS} of ${items.length.toLocaleString("en")}.</p>`}
  </details>`;
}

/** The run, the version and what was bound then. */
function Origin({ job, value, asOf }) {
  const query = { role: value.role, at: value.at, as_of: asOf };
  const loaded = useLoad(`provenance ${job.id} ${JSON.stringify(query)}`, (signal) =>
    get(`/jobs/${job.id}/provenance`, query, signal),
  );
  const found = /** @type {Schemas["Provenance"] | null} */ (loaded.data);
  if (!found) return html`<${Pending} loaded=${loaded} />`;
  const { run, source_version: version, job_revision: revision } = found;
  return html`<dl class="facts">
    <div>
      <dt>Run</dt>
      <dd>issued ${local(run.issued_at)}, received ${local(run.received_at)} <code>${run.id}</code></dd>
    </div>
    <div>
      <dt>Version</dt>
      <dd>
        <a href=${to(["catalogue", version.source_id, version.id])}><${Name}>${version.version}<//></a>
      </dd>
    </div>
    <div>
      <dt>Revision of the job</dt>
      <dd>
        ${run.job_revision}${revision ? html`, of ${local(revision.changed_at)}${revision.changed_by && html`, by <bdi>${revision.changed_by}</bdi>`}` : ", which is not kept any more"}
      </dd>
    </div>
    ${
      revision &&
      html`<div>
        <dt>It read</dt>
        <dd>
          ${
            revision.role_bindings.length === 0
              ? "nothing"
              : revision.role_bindings.map(
                  (binding, index) =>
                    html`${index > 0 && ", "}<${Name}>${binding.role}<//> from
                      ${" "}<${FormerlyBound} job=${job} binding=${binding} />`,
                )
          }
        </dd>
      </div>`
    }
    ${
      run.message &&
      html`<div>
        <dt>Message</dt>
        <dd><bdi>${run.message}</bdi></dd>
      </div>`
    }
  </dl>`;
}

/** What a revision read: by its name if the job reads it still, since revisions have ids only. */
export function FormerlyBound({ job, binding }) {
  const known = job.role_bindings.find((/** @type {any} */ current) => current.input_id === binding.input_id);
  if (known) return html`<${Bound} binding=${known} organisation=${job.organisation_id} />`;
  return html`<code>${binding.input_id}</code>`;
}
