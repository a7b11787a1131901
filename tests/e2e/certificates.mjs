// Certificates made at run time with the openssl program: an authority, and what it signs.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { run } from './program.mjs';

async function openssl(...args) {
  const { code, lines } = await run('openssl', args);
  if (code !== 0) throw new Error(`openssl ${args.join(' ')}: ${lines.join('\n')}`);
}

const kKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30'];

export class Certificates {
  #folder = mkdtempSync(join(tmpdir(), 'ringcast-tls-'));

  // With an authority, `ca`.
  static async make() {
    const made = new Certificates();
    await openssl('req', '-x509', ...kKey, '-subj', '/CN=authority', '-keyout', made.path('ca.key'), '-out', made.ca);
    return made;
  }

  path(name) {
    return join(this.#folder, name);
  }

  get ca() {
    return this.path('ca.crt');
  }

  write(name, text) {
    writeFileSync(this.path(name), text, { mode: 0o600 });
    return this.path(name);
  }

  // NAME.crt and NAME.key, signed by the authority. `names`: 'DNS:localhost,IP:127.0.0.1'.
  async sign(name, { subject = name, names } = {}) {
    const [key, request, certificate] = ['key', 'csr', 'crt'].map((end) => this.path(`${name}.${end}`));
    await openssl('req', '-new', ...kKey, '-subj', `/CN=${subject}`, '-keyout', key, '-out', request);
    const extensions = this.write(`${name}.ext`, `basicConstraints=CA:FALSE\n${names ? `subjectAltName=${names}\n` : ''}`);
    await openssl('x509', '-req', '-in', request, '-CA', this.ca, '-CAkey', this.path('ca.key'), '-CAcreateserial',
      '-days', '30', '-extfile', extensions, '-out', certificate);
    return { key, certificate };
  }

  remove() {
    rmSync(this.#folder, { recursive: true });
  }
}
