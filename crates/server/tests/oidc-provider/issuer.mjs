// A certified OpenID provider on this machine, for the tests of crates/server/tests/it/oidc.rs and of the console in a
// browser (scripts/lib/console_tests/test_sign_in.py). It prints its name, then obeys:
//
//   rotate     publishes another key beside the first, and signs with it
//   withdraw   publishes only that one
//   lie        describes itself as another issuer
//   confess    no longer does
//   refuse     lets no person in
//   accept     does again
//   visit URL  opens a page as a person with a browser does who agrees to everything
//
// and answers "done" to each. It ends with its input.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const AUDIENCE = 'https://predictions.example';
const SCOPE = 'catalog:write inputs:read inputs:write jobs:read jobs:write predictions:read predictions:write';

// The provider's own notes do not go where answers go.
console.info = console.error;

const key = (kid, alg, type, options) => ({
  ...generateKeyPairSync(type, options).privateKey.export({ format: 'jwk' }),
  kid,
  alg,
  use: 'sig',
});
const first = key('first', 'RS256', 'rsa', { modulusLength: 2048 });
const second = key('second', 'ES256', 'ec', { namedCurve: 'P-256' });

const publishing = (issuer, keys, alg) => {
  const provider = new Provider(issuer, {
    jwks: { keys },
    clients: [
      {
        client_id: 'runner',
        client_secret: 'a secret of the tests',
        grant_types: ['client_credentials'],
        id_token_signed_response_alg: alg,
        redirect_uris: [],
        response_types: [],
        scope: SCOPE,
      },
      {
        // A program of a person: it has no secret, and is redirected to whatever port it listens at (RFC 8252).
        client_id: 'prediction',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code', 'refresh_token', 'urn:ietf:params:oauth:grant-type:device_code'],
        id_token_signed_response_alg: alg,
        redirect_uris: ['http://127.0.0.1/'],
        response_types: ['code'],
        scope: `openid offline_access ${SCOPE}`,
      },
      {
        // The console of a service on this machine, at whatever port that listens at.
        client_id: 'console',
        application_type: 'native',
        token_endpoint_auth_method: 'none',
        grant_types: ['authorization_code'],
        id_token_signed_response_alg: alg,
        redirect_uris: ['http://127.0.0.1/'],
        response_types: ['code'],
        scope: `openid ${SCOPE}`,
      },
    ],
    clientBasedCORS: (_, origin, client) => client.clientId === 'console' && origin.startsWith('http://127.0.0.1:'),
    scopes: ['openid', 'offline_access', ...SCOPE.split(' ')],
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
      deviceFlow: { enabled: true },
      devInteractions: { enabled: false },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          scope: SCOPE,
          audience: AUDIENCE,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg } },
        }),
      },
    },
    extraTokenClaims: () => ({ organisations: '*' }),
    interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  });
  const callback = provider.callback();
  return (request, response) => {
    if (request.url.startsWith('/interaction/')) {
      agree(provider, request, response);
    } else {
      callback(request, response);
    }
  };
};

// What a person is asked for is a name and a yes.
const agree = async (provider, request, response) => {
  const { prompt, params, session } = await provider.interactionDetails(request, response);
  let result = { login: { accountId: 'a-person' } };
  if (refuses) {
    result = { error: 'access_denied', error_description: 'This account is <b>closed</b>.' };
  } else if (prompt.name === 'consent') {
    const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
    grant.addOIDCScope(params.scope);
    grant.addResourceScope(AUDIENCE, params.scope);
    result = { consent: { grantId: await grant.save() } };
  }
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: true });
};

// A browser: it keeps cookies, goes where it is sent, and sends the forms that a page has.
const visit = async (url) => {
  const cookies = new Map();
  let next = { url };
  for (let steps = 0; next; steps += 1) {
    if (steps > 20) throw new Error(`no end at ${next.url}`);
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const answer = await fetch(next.url, {
      method: next.form ? 'POST' : 'GET',
      body: next.form,
      headers: { cookie },
      redirect: 'manual',
    });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = line.match(/^([^=]+)=([^;]*)/);
      cookies.set(name, value);
    }
    const page = await answer.text();
    const target = answer.headers.get('location');
    const action = page.match(/<form[^>]* action="([^"]+)"/)?.[1];
    if (target) {
      next = { url: new URL(target, next.url).href };
    } else if (action) {
      const fields = [...page.matchAll(/<input[^>]* name="([^"]+)" value="([^"]*)"/g)].map(([, ...field]) => field);
      next = { url: new URL(action, next.url).href, form: new URLSearchParams(fields) };
    } else {
      next = undefined;
    }
  }
};

let answer;
let lies = false;
let refuses = false;
const server = createServer((request, response) => {
  if (lies && request.url.startsWith('/.well-known/')) {
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ issuer: 'https://issuer.example', jwks_uri: `${issuer}/jwks` }));
  } else {
    answer(request, response);
  }
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
answer = publishing(issuer, [first], 'RS256');
console.log(issuer);

const commands = {
  rotate: () => { answer = publishing(issuer, [first, second], 'ES256'); },
  withdraw: () => { answer = publishing(issuer, [second], 'ES256'); },
  lie: () => { lies = true; },
  confess: () => { lies = false; },
  refuse: () => { refuses = true; },
  accept: () => { refuses = false; },
  visit,
};
for await (const line of createInterface({ input: process.stdin })) {
  const [command, argument] = line.split(' ');
  await commands[command](argument);
  console.log('done');
}
process.exit();
