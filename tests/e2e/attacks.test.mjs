// The table of attacks: what who should not come in tries, and the code by which each is refused. Besides, what tokens
// do for who may: SECURITY.md says in which words that is promised.

import assert from 'node:assert/strict';
import { createHmac, createSign, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { Broker } from './broker.mjs';
import { Client, closeAll, request } from './client.mjs';
import { binary, eventually } from './program.mjs';
import { execFileSync } from 'node:child_process';

const kSecret = 'a secret that only the issuer and the broker know';
const kAdmin = 'the operators know another one, as long as this';
const now = () => Math.floor(Date.now() / 1000);
const part = (value) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url');

// A token as an issuer makes it; each part can be anything.
function token(claims, { header = {}, secret = kSecret, key } = {}) {
  const head = { alg: key?.alg ?? 'HS256', typ: 'JWT', kid: key?.kid ?? 'main', ...header };
  const text = `${part(head)}.${part({ sub: 'ann', exp: now() + 600, ...claims })}`;
  const signature = key ? key.sign(text) : createHmac('sha256', secret).update(text).digest();
  return `${text}.${signature.toString('base64url')}`;
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const ed = generateKeyPairSync('ed25519');
const keys = {
  rsa: { alg: 'RS256', kid: 'rsa', sign: (text) => createSign('sha256').update(text).sign(rsa.privateKey) },
  ec: { alg: 'ES256', kid: 'ec', sign: (text) => signWith('sha256', Buffer.from(text), { key: ec.privateKey, dsaEncoding: 'ieee-p1363' }) },
  ed: { alg: 'EdDSA', kid: 'ed', sign: (text) => signWith(null, Buffer.from(text), ed.privateKey) },
};
const publicPem = (pair) => pair.publicKey.export({ type: 'spki', format: 'pem' });

const may = { ringcast: { publish: ['in/#'], subscribe: ['out/#', 'a/+'] } };
const bearer = (given) => ({ Authorization: `Bearer ${given}` });

describe('a broker that asks for tokens', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ringcast-attacks-'));
  const file = (name, text) => {
    writeFileSync(join(folder, name), text);
    return join(folder, name);
  };
  let broker;
  before(async () => {
    const set = { keys: [{ ...ec.publicKey.export({ format: 'jwk' }), kid: 'ec' }, { ...ed.publicKey.export({ format: 'jwk' }), kid: 'ed', use: 'sig' }] };
    broker = await Broker.start({
      shards: 2,
      args: [
        '--token-key', `main=${file('secret', kSecret + '\n')}`, '--token-key', `rsa=${file('rsa.pem', publicPem(rsa))}`,
        '--token-key', file('set.json', JSON.stringify(set)), '--anonymous-subscribe', 'public/#',
        '--token-revocations', file('revoked', '# nobody yet\nsub:mallory\n'), '--token-leeway', '0ms', '--token-grace', '1s',
        '--admin-token-file', file('admin', kAdmin + '\n'),
      ],
    });
  });
  after(async () => {
    await closeAll();
    await broker.stop();
    rmSync(folder, { recursive: true });
  });

  const get = (topic, headers = {}, query = '') => request(`${broker.url}/topics/${topic}${query}`, { headers });
  const post = (topic, headers = {}) => request(`${broker.url}/topics/${topic}`, { method: 'POST', headers, body: '1' });
  const open = (url, given, options = {}) => Client.open(url, { headers: given ? bearer(given) : {}, ...options });
  const full = (given, options = {}) => open(`ws://127.0.0.1:${broker.port}/ws`, given, { protocols: ['ringcast.v1.json'], ...options });
  const ask = (client, message) => client.send(JSON.stringify(message));
  const heard = async (client, what) => {
    const messages = await client.has((inbox) => inbox.some((text) => what in JSON.parse(text)));
    const at = messages.findIndex((text) => what in JSON.parse(text));
    return JSON.parse(client.inbox.splice(at, 1)[0])[what];
  };

  test('each token that should not be taken is refused with 401', async () => {
    const cases = {
      'expired': token({ exp: now() - 1 }),
      'not valid yet': token({ nbf: now() + 100 }),
      'without exp': token({ exp: undefined }),
      'without sub': token({ sub: undefined }),
      'of another secret': token({ ...may }, { secret: 'another secret of more than 32 bytes, too' }),
      'of another key': token({}, { key: { ...keys.ed, sign: (text) => signWith(null, Buffer.from(text), generateKeyPairSync('ed25519').privateKey) } }),
      'of a key that nobody knows': token({}, { header: { kid: 'other' } }),
      'alg none': `${part({ alg: 'none', kid: 'main' })}.${part({ sub: 'ann', exp: now() + 600, ...may })}.`,
      'alg of another key': token({}, { header: { alg: 'RS256' } }),
      'the public key as a secret': token({}, { header: { kid: 'rsa' }, secret: publicPem(rsa) }),
      'crit': token({}, { header: { crit: ['exp'] } }),
      'another audience': token({ aud: 'somebody else' }),
      'a subject that is several levels': token({ sub: 'a/#', ringcast: { subscribe: ['user/%u'] } }),
      'a filter that is none': token({ ringcast: { subscribe: ['a/#/b'] } }),
      'revoked by its subject': token({ sub: 'mallory', ...may }),
      'not a token': 'not.a.token',
      'larger than tokens are': token({ more: 'x'.repeat(9000) }),
    };
    for (const [what, given] of Object.entries(cases)) {
      for (const answer of [await get('out/1', bearer(given)), await get('public/1', bearer(given)), await post('in/1', bearer(given))]) {
        assert.equal(answer.status, 401, what);
        assert.equal(answer.headers['www-authenticate'], 'Bearer error="invalid_token"');
        assert.ok(!answer.body.includes('secret of'), 'nothing leaks');
      }
    }
  });

  test('each kind of key is taken, and so is each place for a token', async () => {
    for (const key of [undefined, keys.rsa, keys.ec, keys.ed]) {
      assert.equal((await post('in/keys', bearer(token({ ...may }, { key })))).status, 200, key?.alg);
    }
    const given = token({ ...may });
    assert.equal((await get('out/none', {}, `?token=${given}`)).status, 404);
    assert.equal((await get('out/none', bearer(given), `?token=${given}`)).status, 400, 'twice');
    const raw = await open(broker.topic('a/1'), undefined, { protocols: ['ringcast.v1.raw', `ringcast.token.${given}`] });
    assert.equal(raw.ws.protocol, 'ringcast.v1.raw');
    await raw.close();
    assert.equal((await get('out/none', { Authorization: 'Basic YTpi' })).status, 401);
  });

  test('who has no token, or no right, is told so on every way in', async () => {
    const given = token({ ...may });
    for (const [with_, status] of [[{}, 401], [bearer(given), 403]]) {
      assert.equal((await post('out/1', with_)).status, status, 'POST');
      assert.equal((await request(`${broker.url}/topics/out/1`, { method: 'DELETE', headers: with_ })).status, status, 'DELETE');
      assert.equal((await get('in/1', with_)).status, status, 'the last value');
      assert.equal((await get('in/1', { Accept: 'text/event-stream', ...with_ })).status, status, 'SSE');
      for (const url of [broker.topic('in/1'), broker.topic('#'), broker.topic('a/#'), broker.topic('+/1'), broker.topic('$broker/stats')]) {
        const refused = await new Client(url, { headers: with_ }).refused();
        assert.equal(refused.status, status, url);
      }
    }
    const batch = await request(`${broker.url}/topics`, {
      method: 'POST', headers: bearer(given), body: '{"topic":"in/1","json":1}\n{"topic":"out/1","json":1}\n',
    });
    assert.deepEqual(batch.body.toString().trim().split('\n').map((line) => JSON.parse(line).error?.code ?? JSON.parse(line).error ?? 'taken'), ['taken', 'forbidden']);
    // What everybody may, needs none.
    assert.equal((await get('public/none')).status, 404);
    assert.equal((await get('out/none', bearer(given))).status, 404);
    await (await open(broker.topic('public/#'))).close();
  });

  test('publishing on a raw connection without the right closes it with 4403', async () => {
    const raw = await open(broker.topic('a/1'), token({ ...may }));
    raw.send('mine');
    assert.equal((await raw.over()).code, 4403);
  });

  test('the full protocol takes a token in the upgrade or in hello, and nothing before', async () => {
    const greeted = await full(undefined);
    ask(greeted, { hello: { id: 1, token: token({ ...may }) } });
    const welcome = await heard(greeted, 'welcome');
    assert.equal(welcome.subject, 'ann');
    assert.ok(welcome.token_expires_us > Date.now() * 1000);
    ask(greeted, { subscribe: { id: 2, filter: 'out/+' } });
    await heard(greeted, 'subscribed');
    for (const [request_, field] of [
      [{ subscribe: { id: 3, filter: '#' } }, 'subscribe.filter'], [{ subscribe: { id: 3, filter: 'a/#' } }, 'subscribe.filter'],
      [{ subscribe: { id: 3, filter: '$broker/stats' } }, 'subscribe.filter'], [{ publish: { id: 4, topic: 'out/1', json: 1 } }, 'publish.topic'],
    ]) {
      ask(greeted, request_);
      const error = await heard(greeted, 'error');
      assert.deepEqual([error.code, error.field], ['forbidden', field], JSON.stringify(request_));
    }
    ask(greeted, { publish: { id: 5, topic: 'in/1', json: 1 } });
    assert.equal((await heard(greeted, 'ack')).id, 5);
    await greeted.close();

    const liar = await full(undefined);
    ask(liar, { hello: { id: 1, token: token({}, { secret: 'another secret of more than 32 bytes, too' }) } });
    assert.equal((await heard(liar, 'error')).code, 'token_refused');
    assert.equal((await liar.over()).code, 4402);
  });

  test('a refreshed token with less ends what it does not allow, and no other subscription', async () => {
    const client = await full(token({ ...may }));
    for (const [id, filter] of [[1, 'out/+'], [2, 'a/1']]) {
      ask(client, { subscribe: { id, filter } });
      await heard(client, 'subscribed');
    }
    ask(client, { refresh: { id: 3, token: token({ sub: 'bob', ...may }) } });
    assert.equal((await heard(client, 'error')).code, 'token_refused', "somebody else's");
    await eventually(async () => {
      ask(client, { refresh: { id: 4, token: token({ ringcast: { subscribe: ['out/#'] } }) } });
      const answer = JSON.parse(await client.next());
      return 'refreshed' in answer; // not more than one a second is taken
    }, 'refreshed');
    const lost = await heard(client, 'unsubscribed');
    assert.equal(lost.subscription, 2);
    assert.ok(lost.reason);
    ask(client, { publish: { id: 5, topic: 'in/1', json: 1 } });
    assert.equal((await heard(client, 'error')).code, 'forbidden');
    assert.equal((await post('in/x', bearer(token({ ...may })))).status, 200);
    assert.equal((await post('out/1', bearer(token({ ringcast: { publish: ['out/1'] } })))).status, 200);
    assert.equal((await heard(client, 'message')).topic, 'out/1');
    await client.close();
  });

  test('who is revoked while connected is closed with 4401, and others are not', async () => {
    const admin = (method, query = '', headers = bearer(kAdmin)) =>
      request(`${broker.adminUrl}/api/v1/revocations${query}`, { method, headers: { 'X-Ringcast': '1', ...headers } });
    const evil = [
      await open(broker.topic('a/1'), token({ sub: 'eve', ...may })),
      await full(token({ sub: 'frank', jti: 'stolen', ...may })),
    ];
    const good = await open(broker.topic('a/1'), token({ ...may }));
    assert.equal((await admin('POST', '?sub=eve', {})).status, 401);
    assert.equal((await admin('POST', '?sub=eve')).status, 200);
    assert.equal((await admin('POST', '?jti=stolen')).status, 200);
    for (const client of evil) assert.equal((await client.over()).code, 4401);
    assert.equal((await get('out/1', bearer(token({ sub: 'eve', ...may })))).status, 401);
    const listed = JSON.parse((await admin('GET')).body).revocations;
    assert.deepEqual(listed, ['jti:stolen', 'sub:eve', 'sub:mallory']);
    assert.equal((await admin('DELETE', '?sub=eve')).status, 200);
    assert.equal((await admin('DELETE', '?sub=mallory')).status, 404, 'the file says so');
    assert.equal((await get('out/none', bearer(token({ sub: 'eve', ...may })))).status, 404);
    await good.roundTrip();
    // The file, read again.
    file('revoked', 'sub:ann\n');
    broker.kill('SIGHUP');
    assert.equal((await good.over()).code, 4401);
    file('revoked', '# nobody\n');
    broker.kill('SIGHUP');
    await eventually(async () => (await get('out/none', bearer(token({ ...may })))).status === 404, 'ann is back');
  });

  test('a token that expires ends raw connections and streams at once, others after the grace', async () => {
    // On a machine that is busy it may have expired before it came: then one that holds longer.
    const whileItHolds = async (begin) => {
      for (let seconds = 1; ; seconds *= 2) {
        const exp = now() + seconds;
        try {
          return { exp, opened: await begin(token({ exp, ...may })) };
        } catch (error) {
          if (now() < exp) throw error;
        }
      }
    };
    const raw = async () => {
      const { exp, opened } = await whileItHolds((given) => open(broker.topic('a/1'), given));
      assert.equal((await opened.over()).code, 4401);
      assert.ok(now() >= exp);
    };
    const whole = async () => {
      const { exp, opened } = await whileItHolds((given) => full(given));
      assert.equal((await opened.over()).code, 4401);
      assert.ok(now() >= exp + 1);
    };
    const stream = async () => {
      const { exp, opened } = await whileItHolds(async (given) => {
        const answer = await get('out/1', { Accept: 'text/event-stream', ...bearer(given) });
        assert.equal(answer.status, 200);
        return answer;
      });
      assert.match(opened.body.toString(), /event: go_away\n.*"reason":"token"/);
      assert.ok(now() >= exp);
    };
    await Promise.all([raw(), whole(), stream()]);
  });

  test('a name in a topic or a token breaks no header and no line of the log', async () => {
    for (const given of [token({ sub: 'a\r\nX-Evil: 1', ...may }), token({ jti: '\u001b[2J', ...may })]) {
      assert.equal((await get('out/1', bearer(given))).status, 401);
    }
    const odd = await post('in/%0d%0aX-Evil:%201', bearer(token({ ...may })));
    assert.equal(odd.status, 400);
    assert.equal(odd.headers['x-evil'], undefined);
  });

  test("the operators' port asks for its token, but probes", async () => {
    const admin = (path, headers) => request(broker.adminUrl + path, { headers });
    for (const path of ['/livez', '/readyz', '/healthz']) assert.equal((await admin(path)).status, 200, path);
    for (const path of ['/metrics', '/api/v1/stats', '/api/v1/connections', '/api/v1/revocations']) {
      assert.equal((await admin(path)).status, 401, path);
      assert.equal((await admin(path, bearer(kAdmin.slice(1)))).status, 401, path);
      assert.equal((await admin(path, bearer(kAdmin))).status, 200, path);
      assert.equal((await admin(path, { Origin: 'https://evil.example', ...bearer(kAdmin) })).status, path === '/metrics' ? 200 : 403, path);
    }
    const metrics = (await admin('/metrics', bearer(kAdmin))).body.toString();
    assert.match(metrics, /ringcast_accepted_tokens_total\{shard="\d"\} [1-9]/);
    assert.match(metrics, /ringcast_refused_tokens_total\{shard="\d",reason="expired"\} [1-9]/);
  });

  test('ringcast token makes what the broker takes, and pub and sub bring it', () => {
    const { RINGCAST_BINARY: _, ...own } = process.env;
    const run = (args, env = {}) => execFileSync(binary, args, { encoding: 'utf8', stdio: 'pipe', env: { ...own, ...env } });
    const made = run(['token', 'make', '--key', join(folder, 'secret'), '--kid', 'main', '--sub', 'cli', '--publish', 'in/%u', '--expires', '1m']).trim();
    assert.match(run(['token', 'inspect', made, '--key', join(folder, 'secret')]), /"sub":"cli".*\n.*taken; it holds for/s);
    run(['pub', '--url', broker.url, 'in/cli', 'hello'], { RINGCAST_TOKEN: made });
    assert.throws(() => run(['pub', '--url', broker.url, 'in/other', 'hello', '--token', made]), /not permitted/);
  });

  test('no token is in the log', () => {
    assert.ok(!broker.lines.some((line) => line.includes('eyJ')));
  });
});
