// What an upgrade of all jobs of a model to a version would come to; and upgrading those that are ready.

import { getPages, post } from "../api.js";
import { html, useState } from "../html.js";
import { useLoad } from "../load.js";
import { OrganisationFilter, useOrganisations } from "../organisations.js";
import { Empty, FailureNote, JobLink, Loading, Name, Rest, notice } from "../parts.js";
import { hindrance } from "../session.js";
import { organisationName, spoken } from "../words.js";

const PAGE = 200;

/** What the outcomes mean. @type {Record<string, string>} */
const MEANINGS = {
  ready: "can go as they are",
  needs_binding: "need something bound first",
  breaking: "can go, and readers would miss an output",
  up_to_date: "run it already",
  blocked: "cannot go",
};

export function Impact({ version, reload }) {
  const [isAsked, setAsked] = useState(false);
  const [pages, setPages] = useState(1);
  const [organisation, setOrganisation] = useState("");
  const impact = useLoad(isAsked ? `impact ${version.id} ${organisation}` : null, (signal) =>
    getPages(
      `/source_versions/${version.id}/impact`,
      { organisation_id: organisation || null, limit: PAGE },
      pages,
      signal,
    ),
  );
  const organisations = useOrganisations(isAsked);
  const names = new Map(organisations.items.map((item) => [item.id, item]));
  const choose = (/** @type {string} */ id) => {
    setPages(1);
    setOrganisation(id);
  };
  const more = () => {
    setPages(pages + 1);
    impact.reload();
  };
  const { counts, items = [] } = impact.data ?? /** @type {Record<string, any>} */ ({});
  const ready = items.filter((/** @type {any} */ item) => item.outcome === "ready");
  return html`<section aria-labelledby="impact">
    <h2 id="impact">Who could go to it</h2>
    ${!isAsked && html`<button onClick=${() => setAsked(true)}>Look at every job of this source</button>`}
    ${
      organisations.items.length > 1 &&
      html`<div class="filters">
        <${OrganisationFilter} id="whose" items=${organisations.items} chosen=${organisation} choose=${choose} />
      </div>`
    }
    <${Rest} loaded=${organisations} kind="organisations" />
    <${FailureNote} failure=${impact.failure ?? organisations.failure} retry=${() => [impact, organisations].forEach((loaded) => loaded.reload())} />
    ${impact.isLoading && !impact.data && html`<${Loading} />`}
    ${
      counts &&
      html`<p>
        ${Object.keys(MEANINGS)
          .filter((outcome) => counts[outcome] > 0)
          .map(
            (outcome, index) => html`${index > 0 && ", "}<strong>${counts[outcome]}</strong> ${MEANINGS[outcome]}`,
          )}${"."}
      </p>`
    }
    ${impact.data && items.length === 0 && html`<${Empty}><p>No job runs another version.</p><//>`}
    ${
      items.length > 0 &&
      html`<table class="plainrows stacked">
        <caption class="hidden">
          Jobs that run another version
        </caption>
        <thead>
          <tr>
            <th scope="col">Job</th>
            <th scope="col">Organisation</th>
            <th scope="col">Outcome</th>
            <th scope="col">Why</th>
          </tr>
        </thead>
        <tbody>
          ${items.map(
            (/** @type {any} */ item) =>
              html`<tr key=${item.job_id}>
                <td><${JobLink} id=${item.job_id}>${item.name}<//></td>
                <td>
                  <${Name}>${organisationName(names.get(item.organisation_id), item.organisation_id)}<//>
                </td>
                <td>${spoken(item.outcome)}</td>
                <td><${Why} item=${item} /></td>
              </tr>`,
          )}
        </tbody>
      </table>`
    }
    ${impact.data?.next_cursor && html`<p class="aside">The first ${items.length} jobs. <button onClick=${more} disabled=${impact.isLoading}>Show more</button></p>`}
    ${ready.length > 0 && html`<${UpgradeReady} key=${organisation} version=${version} ready=${ready} done=${() => (impact.reload(), reload())} />`}
  </section>`;
}

function Why({ item }) {
  const lists = [
    ["needs", item.missing_roles],
    ["no longer reads", item.dropped_roles],
    ["no longer predicts, or otherwise", item.changed_outputs],
    ["others read", item.outputs_in_use],
  ].filter(([, roles]) => roles.length > 0);
  if (lists.length === 0) return html`<span class="none">–</span>`;
  return lists.map(
    ([what, roles]) =>
      html`<div>${what} ${roles.map((/** @type {string} */ role, /** @type {number} */ index) => html`${index > 0 && ", "}<${Name}>${role}<//>`)}</div>`,
  );
}

/** First a rehearsal of all of them, then the same for good. */
function UpgradeReady({ version, ready, done }) {
  const mayWrite = hindrance("jobs:write");
  const [plan, setPlan] = useState(/** @type {any} */ (null));
  const [failure, setFailure] = useState(/** @type {any} */ (null));
  const [isSending, setSending] = useState(false);
  const send = async (/** @type {boolean} */ isRehearsal) => {
    const body = { source_version_id: version.id, jobs: ready.map((/** @type {any} */ item) => item.job_id) };
    setSending(true);
    setFailure(null);
    try {
      const answer = await post("/jobs/upgrade", body, isRehearsal ? { dry_run: true } : {});
      if (isRehearsal) setPlan(answer.counts);
      else {
        const { upgraded, refused } = answer.counts;
        const kind = refused > 0 ? "warn" : "good";
        notice.value = {
          kind,
          text: html`${upgraded} ${upgraded === 1 ? "job runs" : "jobs run"} <${Name}>${version.version}<//> now${refused > 0 && html`; ${refused} were refused`}.`,
        };
        setPlan(null);
        done();
      }
    } catch (error) {
      setFailure(error);
    }
    setSending(false);
  };
  const many = ready.length === 1 ? "the job that is ready" : `the ${ready.length} jobs that are ready`;
  return html`<div class="upgrade">
    <${FailureNote} failure=${failure} />
    ${plan && html`<p class=${`note ${plan.refused > 0 ? "warn" : "good"}`} role="status">${plan.upgraded} would be upgraded${plan.refused > 0 ? `, ${plan.refused} would be refused` : ""}. Nothing is changed yet.</p>`}
    <div class="row">
      <button disabled=${mayWrite !== null || isSending} title=${mayWrite} onClick=${() => send(true)}>Rehearse the upgrade of ${many}</button>
      ${plan && html`<button class="main" disabled=${isSending || plan.upgraded === 0} onClick=${() => send(false)}>Upgrade them</button>`}
    </div>
  </div>`;
}
