// Tokens, judged by the broker and by jose, a library that has nothing in common with it: what the broker takes, jose
// takes, whatever was changed; and what is well formed both take, or neither.

import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Broker } from './broker.mjs';
import { request } from './client.mjs';
import { require } from './program.mjs';
import { seeded } from './proxy.mjs';

const { SignJWT, jwtVerify } = require('jose');

const kIssuer = 'https://id.example';
const kAudience = 'live';
const kChanged = 200; // tokens with something changed in them
const kAlphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=+/ ';
const now = () => Math.floor(Date.now() / 1000);

const secret = Buffer.from('what only the issuer and the broker know, and nobody else');
const pairs = {
  rsa: { alg: 'RS256', ...generateKeyPairSync('rsa', { modulusLength: 2048 }) },
  ec: { alg: 'ES256', ...generateKeyPairSync('ec', { namedCurve: 'P-256' }) },
  ed: { alg: 'EdDSA', ...generateKeyPairSync('ed25519') },
};
const issuers = { main: { alg: 'HS256', signing: secret, proving: secret } };
for (const [kid, { alg, privateKey, publicKey }] of Object.entries(pairs)) issuers[kid] = { alg, signing: privateKey, proving: publicKey };
// For what a stranger signs.
const strangers = {
  main: Buffer.from('a secret that is long enough, but it is not the one'),
  rsa: generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey,
  ec: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey,
  ed: generateKeyPairSync('ed25519').privateKey,
};

const whole = () => ({ sub: 'ann', iss: kIssuer, aud: kAudience, iat: now(), exp: now() + 600, ringcast: { subscribe: ['#'] } });
const make = (kid, claims = {}, { header = {}, key = issuers[kid].signing } = {}) =>
  new SignJWT({ ...whole(), ...claims }).setProtectedHeader({ alg: issuers[kid].alg, kid, ...header }).sign(key);

// Whether jose takes it, with the keys and rules that the broker was given.
async function isTakenByJose(token) {
  const key = ({ kid, alg }) => {
    if (!Object.hasOwn(issuers, kid) || issuers[kid].alg !== alg) throw new Error('no such key');
    return issuers[kid].proving;
  };
  const rules = { issuer: kIssuer, audience: kAudience, requiredClaims: ['sub', 'exp'], clockTolerance: 0 };
  return jwtVerify(token, key, rules).then(() => true, () => false);
}

describe('a token', () => {
  let broker;
  const folder = mkdtempSync(join(tmpdir(), 'ringcast-tokens-'));
  before(async () => {
    const keys = Object.entries(issuers).flatMap(([kid, { alg, proving }]) => {
      const file = join(folder, kid);
      writeFileSync(file, alg === 'HS256' ? proving : proving.export({ type: 'spki', format: 'pem' }), { mode: 0o600 });
      return ['--token-key', `${kid}=${file}`];
    });
    broker = await Broker.start({ shards: 2, args: [...keys, '--token-issuer', kIssuer, '--token-audience', kAudience, '--token-leeway', '0ms'] });
  });
  after(async () => {
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  // 404: it is taken, and the topic has no value.
  async function isTaken(token) {
    const { status } = await request(`${broker.url}/topics/nothing`, { headers: { Authorization: `Bearer ${token}` } });
    assert.ok([404, 401, 400].includes(status), `${status} of ${token}`);
    return status === 404;
  }

  it('is taken by both, or by neither', async () => {
    const claims = {
      'as it should be': {}, 'expired': { exp: now() - 10 }, 'valid later': { nbf: now() + 500 }, 'valid since': { nbf: now() - 5 },
      'without exp': { exp: undefined }, 'without sub': { sub: undefined }, 'without iss': { iss: undefined }, 'without aud': { aud: undefined },
      'of another issuer': { iss: `${kIssuer}/` }, 'for somebody else': { aud: 'dead' }, 'for several': { aud: ['dead', kAudience] },
      'for several others': { aud: ['dead', 'lively'] }, 'for nobody': { aud: [] }, 'exp in words': { exp: 'tomorrow' }, 'nbf in words': { nbf: 'now' },
      'with more': { more: { of: ['anything', null, 1.5, true] } }, 'in other letters': { sub: 'Žluťoučký 馬 🛰' },
    };
    for (const kid of Object.keys(issuers)) {
      for (const [what, changed] of Object.entries(claims)) {
        const token = await make(kid, changed);
        assert.equal(await isTaken(token), await isTakenByJose(token), `${kid}: ${what}`);
      }
      const stranger = await make(kid, {}, { key: strangers[kid] });
      assert.deepEqual([await isTaken(stranger), await isTakenByJose(stranger)], [false, false], `${kid}: a stranger's`);
      for (const other of Object.keys(issuers)) {
        const swapped = await make(kid, {}, { header: { kid: other } });
        assert.deepEqual([await isTaken(swapped), await isTakenByJose(swapped)], [kid === other, kid === other], `${kid}'s as of ${other}`);
      }
    }
  });

  it('with anything changed is taken only where jose takes it, too', async (t) => {
    const seed = Number(process.env.RINGCAST_SEED ?? 1);
    t.diagnostic(`RINGCAST_SEED=${seed}`);
    const random = seeded(seed);
    const below = (count) => Math.floor(random() * count);
    const tokens = await Promise.all(Object.keys(issuers).map((kid) => make(kid)));
    const change = (token) => {
      const at = below(token.length);
      const letter = kAlphabet[below(kAlphabet.length)];
      return [
        () => token.slice(0, at) + letter + token.slice(at + 1),
        () => token.slice(0, at) + token.slice(at + 1),
        () => token.slice(0, at) + letter + token.slice(at),
        () => token.slice(0, at),
        () => token.split('.').map((part, i) => (i === at % 3 ? tokens[below(tokens.length)].split('.')[i] : part)).join('.'),
        () => {
          const parts = token.split('.');
          const text = Buffer.from(parts[at % 2], 'base64url').toString();
          const changed = text.replace(/"(\w+)":("[^"]*"|\d+)/g, (member) => (below(3) === 0 ? [`${member},${member}`, member.replace(/\d/, '9'), member.toLowerCase(), ''][below(4)] : member));
          return parts.with(at % 2, Buffer.from(changed).toString('base64url')).join('.');
        },
      ][below(6)]();
    };
    let taken = 0;
    for (let i = 0; i < kChanged; ++i) {
      const token = change(tokens[i % tokens.length]).trim();
      if (!(await isTaken(token))) continue;
      taken += 1;
      assert.ok(await isTakenByJose(token), token);
    }
    for (const token of tokens) assert.ok(await isTaken(token));
    assert.ok(taken < kChanged / 2, `${taken} were taken`); // some changes change nothing
  });
});
