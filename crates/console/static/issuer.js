// Signing in at the issuer of the tokens: authorization code with PKCE (RFC 6749, RFC 7636), as a client without a
// secret.
//
// What belongs to a sign-in that is under way (state, nonce, verifier, the place to come back to) is kept for this tab.
// A user who has a page open signs in in a window of its own, so that nothing typed is lost. The issuer sends the code
// there; the window hands it over to the tab that opened it, which alone has the verifier.

import { signal } from "./html.js";
import { signIn } from "./session.js";

/**
 * @typedef {{ issuer: string, client_id: string, scope: string, audience: string | null }} Provider
 * @typedef {{ state: string, nonce: string, verifier: string, place: string }} Begun
 */

const KEY = "prediction-api.sign-in";
/** How long a window waits for the tab that opened it. */
const HAND_OVER_MS = 2_000;
/** How long the issuer may take for an answer. */
const DEADLINE_MS = 20_000;

/** Where a user signs in; null where tokens are pasted, undefined until the service has said. */
export const provider = signal(/** @type {Provider | null | undefined} */ (undefined));
/** Why the last sign-in came to nothing. */
export const problem = signal(/** @type {string | null} */ (null));
/** What goes on: in this tab, in the window that it opened, or in this window for the tab that opened it. */
export const progress = signal(
  /** @type {"none" | "here" | "in a window" | "handing over" | "handed over"} */ ("none"),
);
/** Whether the browser did not open a window. */
export const isBlocked = signal(false);

/** What the errors of an issuer mean (RFC 6749, section 4.1.2.1; OpenID Connect Core 1.0, section 3.1.2.6). */
const MEANINGS = {
  access_denied: "Access was denied.",
  account_selection_required: "An account has to be chosen.",
  consent_required: "Consent is needed.",
  interaction_required: "The issuer has to ask you something.",
  invalid_scope: "The console asks for more than it may have. The operator of this service can change that.",
  login_required: "You have to sign in there.",
  server_error: "The issuer failed.",
  temporarily_unavailable: "The issuer is busy. Try again later.",
  unauthorized_client:
    "The issuer does not let the console sign users in. The operator of this service can change that.",
};

/** A sign-in that came to nothing, in words for the user. */
class Refusal extends Error {}

/** If the issuer sent the user here, goes on with that; the code is out of the address before anything else. */
export function takeAnswer() {
  const answer = new URLSearchParams(location.search);
  if (!answer.has("state") || !(answer.has("code") || answer.has("error"))) return;
  const begun = takeBegun(answer.get("state"));
  history.replaceState(null, "", location.pathname + (begun?.place ?? ""));
  if (begun) finish(answer, begun);
  else handOver(answer);
}

// A step back from the issuer may show the page as it was left: then nothing is under way any more.
addEventListener("pageshow", (event) => {
  if (event.persisted) progress.value = "none";
});

/** What the service says about signing in. @returns {Promise<Provider | null>} */
export async function readProvider() {
  if (provider.value === undefined) {
    try {
      const answer = await fetch("/console/sign_in.json", { credentials: "omit", cache: "no-cache" });
      provider.value = (await answer.json()).provider;
    } catch {
      // A token can be pasted nevertheless, and the first request says what is wrong with the service.
      provider.value = null;
    }
  }
  return provider.value ?? null;
}

/** Goes to the issuer, which sends the user back here. */
export const signInHere = () =>
  attempt("here", async () => {
    const { url, begun } = await request(location.hash);
    sessionStorage.setItem(KEY, JSON.stringify(begun));
    location.assign(url);
    // Until the page is left there is nothing to press.
    await new Promise(() => {});
  });

/** Opens the issuer in a window of its own. What is on this page stays as it is. */
export function signInElsewhere() {
  // At once: later the browser would not take it for what the user wanted.
  const opened = open("", "_blank");
  isBlocked.value = opened === null;
  if (!opened) return;
  attempt("here", async () => {
    try {
      // No place: this tab is not left.
      const { url, begun } = await request("");
      awaitAnswer(begun);
      opened.location.href = url;
    } catch (error) {
      opened.close();
      throw error;
    }
  }).then((isOpened) => isOpened && (progress.value = "in a window"));
}

/** @type {BroadcastChannel | null} */
let awaited = null;

/** Waits for the window that is told this state. An earlier one is no longer waited for. @param {Begun} begun */
function awaitAnswer(begun) {
  awaited?.close();
  const channel = new BroadcastChannel(KEY);
  awaited = channel;
  channel.onmessage = ({ data }) => {
    const answer = new URLSearchParams(data.answer);
    if (answer.get("state") !== begun.state) return;
    channel.postMessage({ taken: begun.state });
    channel.close();
    finish(answer, begun);
  };
}

/** This window was opened for a sign-in of another tab. @param {URLSearchParams} answer */
function handOver(answer) {
  progress.value = "handing over";
  const channel = new BroadcastChannel(KEY);
  const timer = setTimeout(() => {
    channel.close();
    progress.value = "none";
    problem.value = "What came back from the issuer belongs to no sign-in that is under way. Sign in again.";
  }, HAND_OVER_MS);
  channel.onmessage = ({ data }) => {
    if (data.taken !== answer.get("state")) return;
    clearTimeout(timer);
    channel.close();
    progress.value = "handed over";
    close();
  };
  channel.postMessage({ answer: answer.toString() });
}

/**
 * Exchanges the code for a token.
 * @param {URLSearchParams} answer
 * @param {Begun} begun
 */
const finish = (answer, begun) =>
  attempt("here", async () => {
    const { oauth, server, client, options, target } = await meet();
    const checked = oauth.validateAuthResponse(server, client, answer, begun.state);
    const given = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.None(),
      checked,
      home(),
      begun.verifier,
      { ...options, additionalParameters: target },
    );
    const expected = { expectedNonce: begun.nonce, requireIdToken: true };
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, given, expected);
    signIn(tokens.access_token);
  });

/**
 * Whether it went well; else `problem` says why not.
 * @param {typeof progress.value} what
 * @param {() => Promise<void>} act
 */
async function attempt(what, act) {
  progress.value = what;
  problem.value = null;
  try {
    await act();
    return true;
  } catch (error) {
    problem.value = told(error);
    return false;
  } finally {
    progress.value = "none";
  }
}

/** Where the issuer is asked, and what has to be told when the user comes back. @param {string} place */
async function request(place) {
  const { oauth, server, client, known, target } = await meet();
  const begun = {
    state: oauth.generateRandomState(),
    nonce: oauth.generateRandomNonce(),
    verifier: oauth.generateRandomCodeVerifier(),
    place,
  };
  if (!server.authorization_endpoint) throw new Refusal("The issuer has no page for signing in.");
  const url = new URL(server.authorization_endpoint);
  const parameters = {
    response_type: "code",
    client_id: client.client_id,
    redirect_uri: home(),
    scope: known.scope,
    state: begun.state,
    nonce: begun.nonce,
    code_challenge: await oauth.calculatePKCECodeChallenge(begun.verifier),
    code_challenge_method: "S256",
    ...target,
  };
  for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
  return { url: url.href, begun };
}

/** The library, and what the issuer says of itself. Neither is loaded where tokens are pasted. */
async function meet() {
  const known = await readProvider();
  if (!known) throw new Refusal("This service has no issuer to sign in at. Paste a token.");
  if (!isSecureContext) throw new Refusal("Signing in needs https. Open the console by its https address.");
  const oauth = await import("./lib/oauth4webapi.js");
  const issuer = new URL(known.issuer);
  const options = {
    // The service names an issuer without TLS only if it is on this machine, for trials.
    [oauth.allowInsecureRequests]: issuer.protocol === "http:",
    signal: () => AbortSignal.timeout(DEADLINE_MS),
  };
  const server = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, options));
  return { oauth, server, client: { client_id: known.client_id }, options, known, target: targetOf(known) };
}

/** The service that the token is for. RFC 8707 has it by another name, and only for URLs. @param {Provider} known */
function targetOf({ audience }) {
  /** @type {Record<string, string>} */
  const target = {};
  if (audience) target.audience = audience;
  if (audience?.includes("://")) target.resource = audience;
  return target;
}

/** Where the issuer sends the user back to: the address of the console. */
function home() {
  return `${location.origin}/`;
}

/** What was begun with that state in this tab; it is good for once. @param {string | null} state @returns {Begun | null} */
function takeBegun(state) {
  try {
    const begun = JSON.parse(sessionStorage.getItem(KEY) ?? "null");
    if (begun?.state !== state) return null;
    sessionStorage.removeItem(KEY);
    return begun;
  } catch {
    return null;
  }
}

/** @param {any} error */
function told(error) {
  if (error instanceof Refusal) return error.message;
  // Errors of OAuth, from the page of the issuer or from where it gives tokens.
  if (typeof error.error === "string") {
    const meaning = /** @type {Record<string, string>} */ (MEANINGS)[error.error] ?? "The issuer refused.";
    const said = error.error_description ? `The issuer says: ${error.error_description}` : "";
    return `You are not signed in. ${meaning} ${said} (${error.error})`.replace("  ", " ");
  }
  if (error.code === "OAUTH_INVALID_RESPONSE") {
    return "What came back from the issuer does not belong to this sign-in. Sign in again.";
  }
  if (error.name === "TimeoutError") return "The issuer did not answer in time. Try again later.";
  // A browser does not tell a page which of these it was.
  if (error.name === "TypeError") {
    return `The issuer cannot be reached from this page. It may be away, or it does not let pages of ${location.origin} call it.`;
  }
  return `You are not signed in: ${error.message}`;
}
