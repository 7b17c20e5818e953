// The organisations that a user can choose from.

import { getAll } from "./api.js";
import { html } from "./html.js";
import { useLoad } from "./load.js";
import { onlyOrganisation } from "./session.js";
import { organisationName } from "./words.js";

/** @typedef {import("./schema.js").components["schemas"]["Organisation"]} Organisation */

/** Nothing is read while they are not wanted, or where there is no choice. @param {boolean} isWanted */
export function useOrganisations(isWanted = true) {
  const loaded = useLoad(isWanted && !onlyOrganisation.value ? "organisations" : null, (signal) =>
    getAll("/organisations", {}, signal),
  );
  return { ...loaded, items: /** @type {Organisation[]} */ (loaded.data?.items ?? []) };
}

/** @param {{ items: Organisation[] }} props */
export const OrganisationOptions = ({ items }) =>
  items.map((item) => html`<option value=${item.id}>${organisationName(item, item.id)}</option>`);

/**
 * What a list is narrowed to: one of them, or all.
 * @param {{ id: string, items: Organisation[], chosen: string, choose: (id: string) => void }} props
 */
export function OrganisationFilter({ id, items, chosen, choose }) {
  return html`<label for=${id}>Organisation</label>
    <select id=${id} value=${chosen} onChange=${(/** @type {any} */ event) => choose(event.currentTarget.value)}>
      <option value="">all</option>
      <${OrganisationOptions} items=${items} />
    </select>`;
}
