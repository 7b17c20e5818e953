// What a job rests on, and what rests on it.

import { html } from "../html.js";
import { Empty, JobLink, Name, Pending, Status } from "../parts.js";

/** @typedef {import("../schema.js").components["schemas"]["Lineage"]} LineageAnswer */

/** @param {{ job: { id: string }, lineage: import("../load.js").Loaded<LineageAnswer> }} props */
export function Lineage({ job, lineage: loaded }) {
  const lineage = loaded.data;
  if (!lineage) return html`<${Pending} loaded=${loaded} />`;
  if (lineage.edges.length === 0) {
    return html`<${Empty}
      ><p>
        It reads no output of another job, and no job reads its outputs. An output is bound like any input, by its id:
        see “Bindings”.
      </p><//
    >`;
  }
  return html`<${Side} title="It reads" steps=${walk(lineage, job.id, "to_job_id", "from_job_id")} />
    <${Side} title="It is read by" steps=${walk(lineage, job.id, "from_job_id", "to_job_id")} />
    ${lineage.truncated && html`<p class="aside">There is more, further away than is shown here.</p>`}`;
}

/**
 * The jobs on one side, the nearest first, each with the roles that lead to it.
 * @param {LineageAnswer} lineage
 * @param {string} start
 * @param {"to_job_id" | "from_job_id"} near
 * @param {"to_job_id" | "from_job_id"} far
 */
function walk({ nodes, edges }, start, near, far) {
  const known = new Map(nodes.map((node) => [node.job_id, node]));
  const seen = new Set([start]);
  const steps = [];
  for (let level = [start], step = 1; level.length > 0; step += 1) {
    const here = edges.filter((edge) => level.includes(edge[near]) && !seen.has(edge[far]));
    level = [...new Set(here.map((edge) => edge[far]))];
    for (const id of level) {
      seen.add(id);
      const roles = [...new Set(here.filter((edge) => edge[far] === id).map((edge) => edge.role))];
      const node = known.get(id);
      if (node) steps.push({ step, node, roles });
    }
  }
  return steps;
}

function Side({ title, steps }) {
  return html`<section>
    <h2>${title}</h2>
    ${
      steps.length === 0
        ? html`<p class="aside">No other job.</p>`
        : html`<table class="plainrows stacked">
            <thead>
              <tr>
                <th scope="col" class="number">Steps</th>
                <th scope="col">Job</th>
                <th scope="col">Health</th>
                <th scope="col">Source</th>
                <th scope="col">Bound to role</th>
              </tr>
            </thead>
            <tbody>
              ${steps.map(
                (/** @type {any} */ { step, node, roles }) =>
                  html`<tr key=${node.job_id}>
                    <td class="number" data-label="steps">${step}</td>
                    <td><${JobLink} id=${node.job_id}>${node.name}<//></td>
                    <td><${Status} status=${node.health.status} /></td>
                    <td>
                      <${Name}>${node.source.name}<//
                      ><span class="version">@<${Name}>${node.source_version.version}<//></span>
                    </td>
                    <td data-label="role">${roles.map((/** @type {string} */ role) => html`<${Name}>${role}<//> `)}</td>
                  </tr>`,
              )}
            </tbody>
          </table>`
    }
  </section>`;
}
