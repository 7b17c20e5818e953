// What a job has bound, beside what its version asks for.

import { html } from "../html.js";
import { JobLink, Name } from "../parts.js";
import { conversionText, shortId } from "../words.js";

export function Bindings({ job }) {
  const { input_roles: inputs = [], output_roles: outputs = [] } = job.source_version ?? {};
  const bound = new Map(job.role_bindings.map((/** @type {{ role: string }} */ binding) => [binding.role, binding]));
  return html`<section aria-labelledby="inputs">
      <h2 id="inputs">Inputs</h2>
      ${inputs.length === 0 && html`<p class="aside">The version asks for none.</p>`}
      ${
        inputs.length > 0 &&
        html`<table class="plainrows stacked">
          <thead>
            <tr>
              <th scope="col">Role</th>
              <th scope="col">Asks for</th>
              <th scope="col">Bound</th>
              <th scope="col">Measures</th>
              <th scope="col">Converted</th>
            </tr>
          </thead>
          <tbody>
            ${inputs.map((/** @type {any} */ role) => html`<${InputRole} key=${role.role} role=${role} binding=${bound.get(role.role)} />`)}
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

function InputRole({ role, binding }) {
  const known = binding?.input ?? binding?.output;
  return html`<tr>
    <td>
      <${Name}>${role.role}<//>${role.description && html`<div class="aside"><bdi>${role.description}</bdi></div>`}
    </td>
    <td data-label="asks for">
      <${Name}>${role.input_kind}<//> of${" "}
      <${Metric} of=${role} />${!role.required && html`<span class="aside">, not needed</span>`}
    </td>
    <td data-label="bound">
      ${binding ? html`<${Bound} binding=${binding} />` : html`<span class="none">nothing</span>`}
    </td>
    <td data-label="measures">
      ${known ? html`<${Metric} of=${known} />` : html`<span class="none">${binding ? "not known here" : "–"}</span>`}
    </td>
    <td data-label="converted">
      ${binding?.conversion ? html`<bdi>${conversionText(binding.conversion)}</bdi>` : html`<span class="none">–</span>`}
    </td>
  </tr>`;
}

function Bound({ binding }) {
  const { input, output, input_id: id } = binding;
  if (output) return html`<${JobLink} id=${output.job_id}>${output.job_name}<//>, <${Name}>${output.role}<//>`;
  return html`${input ? html`<${Name}>${input.name}<//> ` : html`<span class="aside">not registered </span>`}<code
      title=${id}
      >${shortId(id)}</code
    >`;
}

function Metric({ of: { metric, unit } }) {
  return html`${metric ? html`<${Name}>${metric}<//>` : html`<span class="none">not known</span>`}${unit && html` in <${Name}>${unit}<//>`}`;
}
