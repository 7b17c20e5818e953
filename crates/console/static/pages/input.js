// One input of a customer: what it is, and which jobs read it in which role.

import { get, getPages } from "../api.js";
import { html, useState } from "../html.js";
import { useEvery, useLoad } from "../load.js";
import { Empty, FailureNote, JobLink, Name, Pending, Status, useTitle } from "../parts.js";
import { to } from "../route.js";
import { hindrance } from "../session.js";
import { organisationName, shortId } from "../words.js";
import { Metric } from "./job_bindings.js";

const PAGE = 50;
const REFRESH_MS = 60_000;

/** @param {{ path: string[] }} props whose it is, and its id: two customers may have one with the same id */
export function InputPage({ path }) {
  const [organisation, id] = path;
  const mayRead = hindrance("inputs:read");
  const input = useLoad(mayRead ? null : `input ${organisation} ${id}`, (signal) =>
    get(`/inputs/${encodeURIComponent(id)}`, { organisation_id: organisation }, signal),
  );
  const whose = useLoad(mayRead ? null : `organisation ${organisation}`, (signal) =>
    get(`/organisations/${encodeURIComponent(organisation)}`, {}, signal),
  );
  // An id that is bound and was never registered is no mistake: nothing is known of it but who reads it.
  const isUnknown = input.failure?.status === 404;
  const known = input.data;
  useTitle(known?.name ?? "Input");
  return html`<div class="title">
      <h1>${known ? html`<${Name}>${known.name}<//>` : isUnknown || mayRead ? "An input" : "…"}</h1>
    </div>
    ${mayRead && html`<p class="aside">${mayRead} So what is registered of it is not shown.</p>`}
    ${isUnknown && html`<p class="lead">It is not registered, so neither its name nor its unit is known. <a href="/docs/">The API</a> registers it: PUT /api/v1/inputs/${id}.</p>`}
    ${!isUnknown && html`<${Pending} loaded=${input} />`}
    <dl class="facts">
      ${
        known &&
        html`<div>
            <dt>Kind</dt>
            <dd><${Name}>${known.kind}<//></dd>
          </div>
          <div>
            <dt>Measures</dt>
            <dd><${Metric} of=${known} /></dd>
          </div>`
      }
      <div>
        <dt>Organisation</dt>
        <dd>
          <a href=${to([], { organisation_id: organisation, health: "all" })}
            ><${Name}>${organisationName(whose.data ?? undefined, organisation)}<//></a
          >
        </dd>
      </div>
      ${
        known?.managed_by &&
        html`<div>
          <dt>Kept by set</dt>
          <dd><${Name}>${known.managed_by}<//></dd>
        </div>`
      }
      <div>
        <dt>Id</dt>
        <dd><code>${id}</code></dd>
      </div>
    </dl>
    <${Uses} organisation=${organisation} id=${id} />`;
}

/** The jobs that read it, the worst first. */
function Uses({ organisation, id }) {
  const [pages, setPages] = useState(1);
  const query = { organisation_id: organisation, input_id: id, order: "health", expand: "source", limit: PAGE };
  const jobs = useLoad(`uses ${organisation} ${id}`, (signal) => getPages("/jobs", query, pages, signal));
  useEvery(jobs.reload, REFRESH_MS);
  const items = /** @type {any[]} */ (jobs.data?.items ?? []);
  const more = () => {
    setPages(pages + 1);
    jobs.reload();
  };
  return html`<section aria-labelledby="uses">
    <h2 id="uses">Read by</h2>
    ${jobs.data ? html`<${FailureNote} failure=${jobs.failure} retry=${jobs.reload} />` : html`<${Pending} loaded=${jobs} />`}
    ${jobs.data && items.length === 0 && html`<${Empty}><p>No job reads it. <a href=${to(["setup"], { organisation })}>Set one up</a></p><//>`}
    ${
      items.length > 0 &&
      html`<table class="plainrows stacked">
        <caption class="hidden">
          Jobs that read this input, the worst first
        </caption>
        <thead>
          <tr>
            <th scope="col">Health</th>
            <th scope="col">Job</th>
            <th scope="col">In the role</th>
            <th scope="col">Source</th>
          </tr>
        </thead>
        <tbody>
          ${items.map(
            (job) =>
              html`<tr key=${job.id}>
                <td><${Status} status=${job.health.status} /></td>
                <td><${JobLink} id=${job.id}>${job.name}<//></td>
                <td class="role" data-label="in the role">${rolesOf(job, id).map((role, index) => html`${index > 0 && ", "}<${Name}>${role}<//>`)}</td>
                <td class="role" data-label="source"><${Name}>${job.source?.name ?? shortId(job.source_id)}<//></td>
              </tr>`,
          )}
        </tbody>
      </table>`
    }
    ${jobs.data?.next_cursor && html`<p class="foot"><button onClick=${more} disabled=${jobs.isLoading}>Show more</button></p>`}
  </section>`;
}

/** An id in an address may be written with capital letters. @param {any} job @param {string} id @returns {string[]} */
const rolesOf = (job, id) =>
  job.role_bindings
    .filter((/** @type {any} */ binding) => binding.input_id === id.toLowerCase())
    .map((/** @type {any} */ binding) => binding.role);
