// The job as others write it: a file for git, a request, a command.

import { html } from "../html.js";
import { Copy } from "../parts.js";

/** @typedef {import("../words.js").Job} Job */

export function CopyJob({ job }) {
  return html`<section>
    <${Copy} text=${yaml(job)}>YAML, for prediction apply<//>
    <${Copy} text=${curl(job)}>curl, with TOKEN in the environment<//>
    <${Copy} text=${`prediction describe job ${job.id}`}>Command<//>
  </section>`;
}

/** @param {Job} job */
function curl(job) {
  return `curl -s ${location.origin}/api/v1/jobs/${job.id} \\\n  -H "Authorization: Bearer $TOKEN"`;
}

/**
 * A document that describes this job. Every text is written as JSON writes it, which is YAML, too: so no name can be
 * mistaken for something else.
 * @param {Job} job
 */
function yaml(job) {
  const { source, source_version: version } = job;
  const text = (/** @type {unknown} */ value) => JSON.stringify(value);
  const owner = source?.owner_organisation_id ? `, owner_organisation_id: ${text(source.owner_organisation_id)}` : "";
  const bindings = job.role_bindings.map(({ role, input_id: id, input_type: type, output }) =>
    output
      ? `      - role: ${text(role)}\n        output: { job: ${text(output.job_name)}, role: ${text(output.role)} }`
      : `      - role: ${text(role)}\n        input_id: ${text(id)}\n        input_type: ${text(type)}`,
  );
  return [
    `set: ${text(job.managed_by ?? "by-hand")}`,
    "jobs:",
    `  - name: ${text(job.name)}`,
    `    organisation_id: ${text(job.organisation_id)}`,
    `    active: ${job.active}`,
    `    source: { name: ${text(source?.name)}${owner} }`,
    `    source_version: { version: ${text(version?.version)} }`,
    bindings.length > 0 ? `    role_bindings:\n${bindings.join("\n")}` : "    role_bindings: []",
  ].join("\n");
}
