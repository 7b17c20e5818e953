// A certified OpenID provider on this machine, for the tests of crates/server/tests/it/oidc.rs. It prints its name, then obeys:
//
//   rotate     publishes another key beside the first, and signs with it
//   withdraw   publishes only that one
//   lie        describes itself as another issuer
//   confess    no longer does
//
// and answers "done" to each. It ends with its input.
import { generateKeyPairSync } from 'node:crypto';
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import Provider from 'oidc-provider';

const AUDIENCE = 'https://predictions.example';
const SCOPE = 'catalog:write jobs:read jobs:write predictions:read predictions:write';

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
    ],
    scopes: SCOPE.split(' '),
    ttl: { ClientCredentials: 600 },
    features: {
      clientCredentials: { enabled: true },
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
  });
  return provider.callback();
};

let answer;
let lies = false;
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
};
for await (const line of createInterface({ input: process.stdin })) {
  commands[line]();
  console.log('done');
}
process.exit();
