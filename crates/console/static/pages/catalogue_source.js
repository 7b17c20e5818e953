// A source is described: judged while the form is filled in, and created when it is sent.

import { post } from "../api.js";
import { Field, Mistakes, focusFirstMistake, useJudgement } from "../contract_form.js";
import { html, useLayoutEffect, useRef, useState } from "../html.js";
import { OrganisationOptions, useOrganisations } from "../organisations.js";
import { FailureNote, Name, Rest, notice } from "../parts.js";
import { go } from "../route.js";
import { claims, onlyOrganisation } from "../session.js";

/** @typedef {import("../schema.js").components["schemas"]["ProblemEntry"]} Entry */

/** The fields, as the API calls them. */
const FIELDS = ["name", "description", "owner_organisation_id", "expected_interval_minutes", "retention_hours"];
const HOURS_A_DAY = 24;
const UNSAID = { message: "Choose whose it is" };
const TAKEN = { message: "There is a source of that name already, and it is another one." };

export function NewSource({ cancel }) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [owner, setOwner] = useState("");
  const [minutes, setMinutes] = useState("60");
  const [days, setDays] = useState("30");
  const [sent, setSent] = useState(/** @type {any} */ (null));
  const [isTried, setTried] = useState(false);
  const [isSending, setSending] = useState(false);
  const form = useRef(/** @type {HTMLElement | null} */ (null));
  // Before the next key is pressed.
  useLayoutEffect(() => form.current?.querySelector("input")?.focus(), []);
  const organisations = useOrganisations();
  const body = {
    name,
    description: description.trim() || null,
    // Left out, it is what the token says; null would be the platform's, which few may.
    owner_organisation_id: owner || undefined,
    expected_interval_minutes: numberOf(minutes),
    retention_hours: days.trim() === "" ? null : multiple(numberOf(days), HOURS_A_DAY),
  };
  const judged = useJudgement(body, (asked, signal) => post("/sources", asked, { dry_run: true }, signal));
  const told = sent ?? judged.failure;
  const isTaken = told?.problem?.resource === "source";
  // Where another one has the name, what differs of it is no mistake of the fields that differ.
  const entries = /** @type {Entry[]} */ (isTaken ? [] : (told?.entries ?? []));
  // The field above it has another name than the API gives it.
  const mistakesOf = (/** @type {string} */ field) =>
    entries
      .filter(({ pointer }) => pointer === `/${field}`)
      .map((entry) => ({ ...entry, message: entry.message.replace(new RegExp(`^${field} `), "This ") }));
  const rest = entries.filter(({ pointer }) => !FIELDS.includes((pointer ?? "").slice(1)));
  // A field that is still empty is no mistake before the user tries to send the form.
  const ofName = isTaken ? [TAKEN] : isTried || name !== "" ? mistakesOf("name") : [];
  const ofOwner = owner
    ? mistakesOf("owner_organisation_id")
    : isTried
      ? mistakesOf("owner_organisation_id").map(() => UNSAID)
      : [];
  const edit = (/** @type {(text: string) => void} */ set) => (/** @type {any} */ event) => {
    setSent(null);
    set(event.currentTarget.value);
  };
  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    setTried(true);
    setSending(true);
    try {
      const source = await post("/sources", body);
      notice.value = {
        kind: "good",
        text: html`<${Name}>${source.name}<//> is created. It has no version yet: publish one.`,
        isForNextPage: true,
      };
      go(["catalogue", source.id]);
    } catch (error) {
      setSent(error);
      setSending(false);
      focusFirstMistake();
    }
  };
  return html`<form class="setup" onSubmit=${submit} noValidate ref=${form}>
    <h2>A new source</h2>
    <${FailureNote} failure=${organisations.failure} retry=${organisations.reload} />
    <${Field} id="source-name" label="Name" mistakes=${ofName} note="Every source has a name of its own, whoever owns it.">
      ${(/** @type {any} */ field) => html`<input ...${field} value=${name} dir="auto" autocomplete="off" onInput=${edit(setName)} />`}
    <//>
    <${Field} id="source-description" label="What it predicts" mistakes=${mistakesOf("description")}>
      ${(/** @type {any} */ field) => html`<input ...${field} value=${description} dir="auto" autocomplete="off" onInput=${edit(setDescription)} />`}
    <//>
    ${!onlyOrganisation.value && html`<${Owner} items=${organisations.items} owner=${owner} mistakes=${ofOwner} onChange=${edit(setOwner)} />`}
    <${Rest} loaded=${organisations} kind="organisations" />
    <${Field} id="source-interval" label="Expect predictions every … minutes" mistakes=${mistakesOf("expected_interval_minutes")} note="A job without one for longer is late, then overdue. Leave it empty if there is no such time: then its jobs are not watched.">
      ${(/** @type {any} */ field) => html`<input ...${field} value=${minutes} inputmode="numeric" autocomplete="off" onInput=${edit(setMinutes)} />`}
    <//>
    <${Field} id="source-retention" label="Keep predictions for … days" mistakes=${mistakesOf("retention_hours")} note="Older ones are deleted. Leave it empty to keep all.">
      ${(/** @type {any} */ field) => html`<input ...${field} value=${days} inputmode="numeric" autocomplete="off" onInput=${edit(setDays)} />`}
    <//>
    ${
      told && !isTaken
        ? (isTried || name !== "") && html`<${Mistakes} told=${told} rest=${rest} isTried=${isTried} />`
        : !told &&
          judged.data &&
          html`<p class="note good" role="status">It fits, and can be created. Nothing is stored yet.</p>`
    }
    <div class="row">
      <button class="main" disabled=${isSending}>Create</button>
      <button type="button" onClick=${cancel}>Cancel</button>
    </div>
  </form>`;
}

function Owner({ items, owner, mistakes, onChange }) {
  const isForAll = claims.value.organisations === "*";
  return html`<${Field} id="source-owner" label="Whose it is" mistakes=${mistakes} note="Only its owner changes it, and publishes its versions. Every organisation can run it.">
    ${(/** @type {any} */ field) => html`<select ...${field} value=${owner} onChange=${onChange}>
      <option value="">${isForAll ? "The platform's" : "Choose an organisation"}</option>
      <${OrganisationOptions} items=${items} />
    </select>`}
  <//>`;
}

/** What was typed as the number that it is; else as it is, for the service to say what is wrong. @param {string} text */
function numberOf(text) {
  const typed = text.trim();
  if (typed === "") return null;
  return /^-?\d+(\.\d+)?$/.test(typed) ? Number(typed) : typed;
}

/** @param {number | string | null} number @param {number} factor */
const multiple = (number, factor) => (typeof number === "number" ? number * factor : number);
