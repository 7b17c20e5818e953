// The catalogue: models, their versions, and how the jobs of each version are.

import { get, getAll } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import {
  CountCells,
  CountHeads,
  Empty,
  FailureNote,
  Loading,
  Name,
  Pending,
  Rest,
  Time,
  useNow,
  useTitle,
} from "../parts.js";
import { to } from "../route.js";
import { hindrance } from "../session.js";
import { duration } from "../time.js";
import { STATUSES, shortId } from "../words.js";
import { Publish } from "./catalogue_publish.js";
import { NewSource } from "./catalogue_source.js";
import { VersionPage } from "./catalogue_version.js";

/** @param {{ path: string[] }} props */
export function CataloguePage({ path }) {
  const [source, version] = path;
  return source ? html`<${SourcePage} key=${source} id=${source} version=${version} />` : html`<${Sources} />`;
}

function Sources() {
  useTitle("Catalogue");
  const sources = useLoad("sources", (signal) => getAll("/sources", {}, signal));
  const counts = useLoad("counts by source", (signal) => get("/jobs/health", { group_by: "source" }, signal));
  const items = sources.data?.items ?? [];
  const jobs = jobsOf(counts.data, "source_id");
  const [isCreating, setCreating] = useState(false);
  const mayCreate = creation();
  return html`<div class="title">
      <h1>Catalogue</h1>
      <button disabled=${mayCreate !== null} title=${mayCreate} aria-expanded=${isCreating} onClick=${() => setCreating(!isCreating)}>
        Create a source
      </button>
    </div>
    ${isCreating && html`<${NewSource} cancel=${() => setCreating(false)} />`}
    <${Pending} loaded=${sources} />
    <${FailureNote} failure=${counts.failure} retry=${counts.reload} />
    ${
      sources.data &&
      items.length === 0 &&
      html`<${Empty}
        ><h2>There is no source yet</h2>
        <p>A source is a model. Create one here; or describe it and its first version in a file, and publish both:</p>
        <pre tabindex="0">prediction apply --file models.yaml</pre>
        <p><a href="/docs/">The API, request by request</a></p><//
      >`
    }
    ${
      items.length > 0 &&
      html`<table class="plainrows stacked">
        <caption class="hidden">
          Sources
        </caption>
        <thead>
          <tr>
            <th scope="col">Source</th>
            <th scope="col">What it predicts</th>
            <th scope="col">Expected</th>
            <th scope="col" class="number">Jobs</th>
          </tr>
        </thead>
        <tbody>
          ${items.map((/** @type {any} */ item) => {
            const minutes = item.expected_interval_minutes;
            return html`<tr key=${item.id}>
              <td>
                <a href=${to(["catalogue", item.id])}><${Name}>${item.name}<//></a>
              </td>
              <td class=${item.description ? "" : "nothing"}>
                ${item.description ? html`<bdi>${item.description}</bdi>` : html`<span class="none">–</span>`}
              </td>
              <td data-label="expected">${minutes ? `every ${duration(minutes * 60_000)}` : "not said"}</td>
              <td class="number" data-label="jobs">${total(jobs.get(item.id))}</td>
            </tr>`;
          })}
        </tbody>
      </table>`
    }
    <${Rest} loaded=${sources} kind="sources" />`;
}

/**
 * @param {any} counted
 * @param {"source_id" | "source_version_id"} id
 * @returns {Map<string, Record<string, number>>}
 */
const jobsOf = (counted, id) =>
  new Map((counted?.groups ?? []).map((/** @type {any} */ group) => [group[id], group.counts]));

/** Why nothing can be added to the catalogue. Who may change it may add to it. */
const creation = () => hindrance("catalog:write") && hindrance("catalog:create");

/** @param {Record<string, number> | undefined} counts */
const total = (counts) => STATUSES.reduce((sum, status) => sum + (counts?.[status] ?? 0), 0);

function SourcePage({ id, version }) {
  const source = useLoad(`source ${id}`, (signal) => get(`/sources/${encodeURIComponent(id)}`, {}, signal));
  const versions = useLoad(`versions ${id}`, (signal) =>
    getAll("/source_versions", { source_id: id, expand: "contract" }, signal),
  );
  const counts = useLoad(`counts by version ${id}`, (signal) =>
    get("/jobs/health", { source_id: id, group_by: "source_version" }, signal),
  );
  const reload = () => [source, versions, counts].forEach((loaded) => loaded.reload());
  const items = [...(versions.data?.items ?? [])].reverse();
  const shown = items.find((item) => item.id === version);
  useTitle(source.data?.name ?? "Catalogue");
  const name = source.data ? html`<${Name}>${source.data.name}<//>` : shortId(id);
  const failure = source.failure ?? versions.failure ?? counts.failure;
  const jobs = jobsOf(counts.data, "source_version_id");
  return html`<p class="crumbs">
      <a href=${to(["catalogue"])}>Catalogue</a>${version && html` › <a href=${to(["catalogue", id])}>${name}</a>`}
    </p>
    <${FailureNote} failure=${failure} retry=${reload} />
    ${(source.isLoading || versions.isLoading) && !versions.data && html`<${Loading} />`}
    ${source.data && !version && html`<${Versions} source=${source.data} items=${items} jobs=${jobs} reload=${reload} />`}
    ${version && versions.data && !shown && html`<h1>There is no such version</h1>`}
    ${shown && source.data && html`<${VersionPage} key=${shown.id} source=${source.data} version=${shown} others=${items.filter((item) => item !== shown)} jobs=${jobs.get(shown.id)} reload=${reload} />`}`;
}

function Versions({ source, items, jobs, reload }) {
  const [isPublishing, setPublishing] = useState(false);
  const mayCreate = creation();
  const now = useNow();
  return html`<div class="title">
      <h1><${Name}>${source.name}<//></h1>
      <button
        disabled=${mayCreate !== null}
        title=${mayCreate}
        aria-expanded=${isPublishing}
        onClick=${() => setPublishing(!isPublishing)}
      >
        Publish a version
      </button>
    </div>
    ${source.description && html`<p class="lead"><bdi>${source.description}</bdi></p>`}
    ${isPublishing && html`<${Publish} source=${source} newest=${items[0]} done=${() => (setPublishing(false), reload())} />`}
    ${items.length === 0 && html`<${Empty}><p>It has no version yet, so no job can run it.</p><//>`}
    ${
      items.length > 0 &&
      html`<table class="plainrows stacked">
        <caption class="hidden">
          Versions, the newest first, with their jobs by health
        </caption>
        <thead>
          <tr>
            <th scope="col">Version</th>
            <th scope="col">Stage</th>
            <th scope="col">Published</th>
            <${CountHeads} />
          </tr>
        </thead>
        <tbody>
          ${items.map((/** @type {any} */ item) => {
            const counts = jobs.get(item.id);
            return html`<tr key=${item.id}>
              <td>
                <a href=${to(["catalogue", source.id, item.id])}><${Name}>${item.version}<//></a>
              </td>
              <td>${item.lifecycle.stage}</td>
              <td data-label="published"><${Time} at=${item.created_at} now=${now} /></td>
              <${CountCells} counts=${counts} />
            </tr>`;
          })}
        </tbody>
      </table>`
    }`;
}
