// What a job has bound, beside what its version asks for; and binding something else.

import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { JobLink, Name } from "../parts.js";
import { to } from "../route.js";
import { hindrance } from "../session.js";
import { conversionText, shortId } from "../words.js";
import { Rebind } from "./job_rebind.js";

export function Bindings({ job, reload }) {
  const [begin, setBegin] = useState(/** @type {import("./job_rebind.js").Begin | null} */ (null));
  const left = useRef(/** @type {string | null} */ (null));
  useLayoutEffect(() => {
    // Who closes the form goes on where it was opened.
    if (begin === null && left.current !== null) document.getElementById(actionOf(left.current))?.focus();
    left.current = begin && begin.role;
  }, [begin]);
  const mayWrite = hindrance("jobs:write");
  const { input_roles: inputs = [], output_roles: outputs = [] } = job.source_version ?? {};
  const bound = new Map(job.role_bindings.map((/** @type {{ role: string }} */ binding) => [binding.role, binding]));
  return html`<section aria-labelledby="inputs">
      <h2 id="inputs">Inputs</h2>
      ${inputs.length === 0 && html`<p class="aside">The version asks for none.</p>`}
      ${begin && html`<${Rebind} job=${job} roles=${inputs} begin=${begin} reload=${reload} close=${() => setBegin(null)} />`}
      ${
        inputs.length > 0 &&
        !begin &&
        html`<table class="plainrows stacked">
          <thead>
            <tr>
              <th scope="col">Role</th>
              <th scope="col">Asks for</th>
              <th scope="col">Bound</th>
              <th scope="col">Measures</th>
              <th scope="col">Converted</th>
              <th scope="col"><span class="hidden">Actions</span></th>
            </tr>
          </thead>
          <tbody>
            ${inputs.map((/** @type {any} */ role) => html`<${InputRole} key=${role.role} role=${role} binding=${bound.get(role.role)} organisation=${job.organisation_id} mayWrite=${mayWrite} change=${setBegin} />`)}
          </tbody>
        </table>`
      }
    </section>
    <section aria-labelledby="outputs">
      <h2 id="outputs">Outputs</h2>
      <table class="plainrows stacked">
        <thead>
          <tr>
            <th scope="col">Role</th>
            <th scope="col">Predicts</th>
            <th scope="col">Output</th>
          </tr>
        </thead>
        <tbody>
          ${job.outputs.map(
            (/** @type {any} */ output) =>
              html`<tr key=${output.id}>
                <td>
                  <${Name}>${output.role}<//
                  >${!outputs.find((/** @type {any} */ role) => role.role === output.role)?.required && html`<span class="aside"> not in every run</span>`}
                </td>
                <td data-label="predicts"><${Metric} of=${output} /></td>
                <td data-label="output"><code>${output.id}</code></td>
              </tr>`,
          )}
        </tbody>
      </table>
    </section>`;
}

/** The id of the button that opens the form for a role. @param {string} role */
const actionOf = (role) => `change-${encodeURIComponent(role)}`;

function InputRole({ role: asked, binding, organisation, mayWrite, change }) {
  const known = binding?.input ?? binding?.output;
  const { role } = asked;
  const action = binding ? "Change" : "Bind";
  return html`<tr>
    <td>
      <${Name}>${role}<//>${asked.description && html`<div class="aside"><bdi>${asked.description}</bdi></div>`}
    </td>
    <td data-label="asks for">
      <${Name}>${asked.input_kind}<//> of${" "}
      <${Metric} of=${asked} />${!asked.required && html`<span class="aside">, not needed</span>`}
    </td>
    <td data-label="bound">
      ${binding ? html`<${Bound} binding=${binding} organisation=${organisation} />` : html`<span class="none">nothing</span>`}
    </td>
    <td data-label="measures">
      ${known ? html`<${Metric} of=${known} />` : html`<span class="none">${binding ? "not known here" : "–"}</span>`}
    </td>
    <td data-label="converted">
      ${binding?.conversion ? html`<bdi>${conversionText(binding.conversion)}</bdi>` : html`<span class="none">–</span>`}
    </td>
    <td class="actions">
      ${
        binding &&
        !asked.required &&
        html`<button
          class="quiet"
          disabled=${mayWrite !== null}
          title=${mayWrite}
          aria-label=${`Unbind ${role}`}
          onClick=${() => change({ role, isEmptied: true })}
        >
          Unbind
        </button>`
      }
      <button
        id=${actionOf(role)}
        disabled=${mayWrite !== null}
        title=${mayWrite}
        aria-label=${`${action} ${role}`}
        onClick=${() => change({ role, isEmptied: false })}
      >
        ${action}
      </button>
    </td>
  </tr>`;
}

/** What is bound to a role: another job's output, or an input. */
export function Bound({ binding, organisation }) {
  const { input, output, input_id: id } = binding;
  if (output) return html`<${JobLink} id=${output.job_id}>${output.job_name}<//>, <${Name}>${output.role}<//>`;
  return html`<a href=${to(["inputs", organisation, id])}
      >${input ? html`<${Name}>${input.name}<//>` : html`not registered`}</a
    >
    ${" "}<code title=${id}>${shortId(id)}</code>`;
}

export function Metric({ of: { metric, unit } }) {
  return html`${metric ? html`<${Name}>${metric}<//>` : html`<span class="none">not known</span>`}${unit && html` in <${Name}>${unit}<//>`}`;
}
