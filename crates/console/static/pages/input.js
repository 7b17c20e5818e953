// One input of a customer: what it is, and which jobs read it in which role.

import { get, getPages } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { Empty, FailureNote, JobLink, Name, Pending, useTitle } from "../parts.js";
import { to } from "../route.js";
import { hindrance } from "../session.js";
import { organisationName } from "../words.js";
import { Metric } from "./job_bindings.js";

const PAGE = 50;

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

function Uses({ organisation, id }) {
  const [pages, setPages] = useState(1);
  const uses = useLoad(`uses ${organisation} ${id}`, (signal) =>
    getPages(`/inputs/${encodeURIComponent(id)}/jobs`, { limit: PAGE }, pages, signal),
  );
  // Those of others that have one of the same id are no uses of this one.
  const rows = (uses.data?.items ?? []).filter((/** @type {any} */ use) => use.organisation_id === organisation);
  const more = () => {
    setPages(pages + 1);
    uses.reload();
  };
  return html`<section aria-labelledby="uses">
    <h2 id="uses">Read by</h2>
    ${uses.data ? html`<${FailureNote} failure=${uses.failure} retry=${uses.reload} />` : html`<${Pending} loaded=${uses} />`}
    ${uses.data && rows.length === 0 && html`<${Empty}><p>No job reads it.</p><//>`}
    ${
      rows.length > 0 &&
      html`<table class="plainrows stacked">
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">In the role</th>
            <th scope="col">Is</th>
          </tr>
        </thead>
        <tbody>
          ${rows.map(
            (/** @type {any} */ use) =>
              html`<tr key=${use.job_id}>
                <td><${JobLink} id=${use.job_id}>${use.name}<//></td>
                <td>${use.roles.map((/** @type {string} */ role, /** @type {number} */ index) => html`${index > 0 && ", "}<${Name}>${role}<//>`)}</td>
                <td>${use.active ? "active" : "paused"}</td>
              </tr>`,
          )}
        </tbody>
      </table>`
    }
    ${uses.data?.next_cursor && html`<p class="foot"><button onClick=${more} disabled=${uses.isLoading}>Show more</button></p>`}
  </section>`;
}
