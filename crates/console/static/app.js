// The console: its frame, and which page is shown.

import { html, render, useEffect, useRef } from "./html.js";
import { progress, takeAnswer } from "./issuer.js";
import { Notices, notice } from "./parts.js";
import { followAddress, route, to } from "./route.js";
import { begin, claims, signOut, token } from "./session.js";
import { HandedOver, SignIn } from "./sign_in.js";
import { CataloguePage } from "./pages/catalogue.js";
import { HealthPage } from "./pages/health.js";
import { InputPage } from "./pages/input.js";
import { JobPage } from "./pages/job.js";
import { RunnersPage } from "./pages/runners.js";
import { SetUpPage } from "./pages/set_up.js";

/** The pages, by the first part of the address. */
const PAGES = [
  { name: "Health", path: [], page: HealthPage },
  { name: "Set up", path: ["setup"], page: SetUpPage },
  { name: "Catalogue", path: ["catalogue"], page: CataloguePage },
  { name: "Runners", path: ["runners"], page: RunnersPage },
  { name: null, path: ["jobs"], page: JobPage, under: "Health" },
  { name: null, path: ["inputs"], page: InputPage },
];

function App() {
  const isForAnother = progress.value === "handing over" || progress.value === "handed over";
  return isForAnother ? html`<${HandedOver} />` : html`<${Frame} />`;
}

function Frame() {
  const { path } = route.value;
  const place = path[0] ?? "";
  const found = PAGES.find((page) => (page.path[0] ?? "") === place);
  const main = useRef(/** @type {HTMLElement | null} */ (null));
  const isFirst = useRef(true);
  const where = path.join("/");
  useEffect(() => {
    // Another page is read from its beginning, also by a screen reader.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
    // What is said of the page that was left goes with it, unless it was said for this one.
    notice.value = notice.value?.isForNextPage ? { ...notice.value, isForNextPage: false } : null;
  }, [where]);
  return html`<a
      class="skip"
      href="#main"
      onClick=${(/** @type {Event} */ event) => (event.preventDefault(), main.current?.focus())}
      >To the content</a
    >
    <header>
      <a class="home" href="#/"><img src="/console/icon.svg" alt="" width="20" height="20" />Prediction API</a>
      <nav aria-label="Pages">
        ${PAGES.filter((page) => page.name).map((page) => html`<a href=${to(page.path)} aria-current=${page === found ? "page" : found?.under === page.name ? "true" : null}>${page.name}</a>`)}
        <a href="/docs/">API</a>
      </nav>
      ${token.value !== null && html`<${Who} />`}
    </header>
    <main id="main" tabindex="-1" ref=${main}>
      ${token.value === null && progress.value === "here" && html`<p role="status">Signing in…</p>`}
      ${
        token.value !== null &&
        (found
          ? html`<${found.page} key=${place} path=${path.slice(1)} />`
          : html`<h1>There is no such page</h1>
              <p><a href="#/">To the health of all jobs</a></p>`)
      }
    </main>
    <${Notices} />
    <${SignIn} />`;
}

function Who() {
  const { sub, organisations } = claims.value;
  const count = Array.isArray(organisations) ? organisations.length : null;
  const reach =
    organisations === "*"
      ? "all organisations"
      : count === null
        ? ""
        : count === 1
          ? "1 organisation"
          : `${count} organisations`;
  return html`<div class="who">
    <span><bdi>${typeof sub === "string" ? sub : "signed in"}</bdi>${reach && `, ${reach}`}</span>
    <button class="quiet" onClick=${signOut}>Sign out</button>
  </div>`;
}

takeAnswer();
begin();
followAddress();
render(html`<${App} />`, /** @type {HTMLElement} */ (document.getElementById("console")));
