// node kubernetes_distil.mjs NODE_MODULES > kubernetes_types.json: what the test of the manifests knows of Kubernetes'
// types, taken from the npm package kubernetes-models, which is made from Kubernetes' own OpenAPI. It has 5,000 files and
// 26 MB; the types of our kinds are 30 KB, so `./dev test` installs nothing. For a newer Kubernetes:
//
//     npm install --prefix /tmp/models kubernetes-models && node tests/deploy/kubernetes_distil.mjs /tmp/models/node_modules
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

const kinds = {
  'v1 ConfigMap': 'v1/ConfigMap',
  'v1 Namespace': 'v1/Namespace',
  'v1 Service': 'v1/Service',
  'apps/v1 DaemonSet': 'apps/v1/DaemonSet',
  'apps/v1 StatefulSet': 'apps/v1/StatefulSet',
  'networking.k8s.io/v1 Ingress': 'networking.k8s.io/v1/Ingress',
  'networking.k8s.io/v1 NetworkPolicy': 'networking.k8s.io/v1/NetworkPolicy',
  'policy/v1 PodDisruptionBudget': 'policy/v1/PodDisruptionBudget',
};

const modules = path.resolve(process.argv[2]);
const types = {};

function source(file) {
  const text = readFileSync(file, 'utf8');
  return text.replaceAll(/\/\*\*[\s\S]*?\*\//g, '');
}

// "IIoK8sApiAppsV1StatefulSetSpec" and the file that declares it, from the import lines of `file`.
function imports(text, file) {
  const found = new Map();
  for (const [, names, from] of text.matchAll(/^import \{ ([^}]+) \} from "([^"]+)";$/gm)) {
    const base = from.startsWith('.') ? path.resolve(path.dirname(file), from) : path.join(modules, from);
    const declared = [base.replace(/\.js$/, '.d.ts'), `${base}.d.ts`].find((name) => name.endsWith('.d.ts') && existsSync(name));
    for (const name of names.split(', ')) found.set(name, declared);
  }
  return found;
}

// The fields of an interface's body: name, "!" behind those that must be there, and the type as TypeScript writes it.
function fields(body) {
  const flat = body.replaceAll(/\{\s*\[key: string\]: ([^;]+);\s*\}/g, 'Map<$1>');
  return [...flat.matchAll(/^\s+"([^"]+)"(\??): ([^;]+);$/gm)].map(([, name, optional, type]) => [name, optional, type]);
}

function distil(name, file) {
  if (types[name] !== undefined) return;
  const text = source(file);
  const alias = text.match(/^export type I\w+ = ([^;{]+);$/m);
  const body = text.match(/^export interface I\w+[^{]*\{\n([\s\S]*?)^\}/m);
  if (alias === null && body === null) throw new Error(`${file}: declares neither an interface nor an alias`);
  types[name] = body === null ? alias[1] : {};
  if (body === null) return;
  const known = imports(text, file);
  for (const [field, optional, type] of fields(body[1])) {
    types[name][field + (optional ? '' : '!')] = type;
    const used = type.match(/IIo\w+/)?.[0];
    // An interface that is used in itself (JSONSchemaProps) is not imported.
    if (used !== undefined && used !== name) distil(used, known.get(used) ?? file);
  }
}

const roots = {};
for (const [kind, file] of Object.entries(kinds)) {
  const full = path.join(modules, 'kubernetes-models', `${file}.d.ts`);
  roots[kind] = readFileSync(full, 'utf8').match(/^export type \{ I\w+ as (IIo\w+)/m)[1];
  distil(roots[kind], full);
}
const version = JSON.parse(readFileSync(path.join(modules, 'kubernetes-models/package.json'), 'utf8')).version;
const short = (text) => text.replaceAll(/IIoK8sApi(machineryPkg(Apis|Api|Util|Runtime)?)?/g, '');
const lines = Object.keys(types).sort().map((name) => `  ${short(JSON.stringify(name))}: ${short(JSON.stringify(types[name]))}`);
process.stdout.write(
  `{"source": "kubernetes-models ${version}",\n "kinds": ${short(JSON.stringify(roots, null, 2))},\n "types": {\n${lines.join(',\n')}\n }}\n`,
);
