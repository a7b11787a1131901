// What the tests of the manifests use: Kustomize's part that deploy/ uses, and Kubernetes' types (kubernetes_types.json).
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parse, parseAllDocuments } from '../../web/node_modules/yaml/dist/index.js';

const known = JSON.parse(readFileSync(new URL('kubernetes_types.json', import.meta.url), 'utf8'));

// ---- types ----

const primitives = new Set(['string', 'number', 'boolean']);
const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);

function checkFields(value, fields, at, faults) {
  if (!isObject(value)) return faults.push(`${at}: is no object`);
  for (const name of Object.keys(fields)) {
    if (name.endsWith('!') && value[name.slice(0, -1)] === undefined) faults.push(`${at}.${name.slice(0, -1)}: is missing`);
  }
  for (const [name, part] of Object.entries(value)) {
    const type = fields[name] ?? fields[`${name}!`];
    if (type === undefined) faults.push(`${at}.${name}: is not known`);
    else check(part, type, `${at}.${name}`, faults);
  }
}

// `type` is one of kubernetes_types.json, or what TypeScript calls one: Array<string>, Map<string>, "A" | "B".
function check(value, type, at, faults) {
  const [, container, inner] = type.match(/^(Array|Map)<(.*)>$/) ?? [];
  if (container === 'Array') {
    if (!Array.isArray(value)) return faults.push(`${at}: is no list`);
    return value.forEach((part, i) => check(part, inner, `${at}[${i}]`, faults));
  }
  if (container === 'Map') {
    if (!isObject(value)) return faults.push(`${at}: is no object`);
    return Object.entries(value).forEach(([name, part]) => check(part, inner, `${at}.${name}`, faults));
  }
  const found = known.types[type];
  if (isObject(found)) return checkFields(value, found, at, faults);
  if (found !== undefined) return check(value, found, at, faults);
  const fits = type.split(' | ').some((one) => (primitives.has(one) ? typeof value === one : JSON.stringify(value) === one));
  if (!fits) faults.push(`${at}: is not ${type}`);
}

// What is wrong with a manifest; kinds of others (ServiceMonitor) are not known here.
export function faults(manifest) {
  const type = known.kinds[`${manifest?.apiVersion} ${manifest?.kind}`];
  if (type === undefined) return [`${manifest?.apiVersion} ${manifest?.kind}: no such kind`];
  const found = [];
  check(manifest, type, manifest.kind, found);
  return found;
}

// ---- Kustomize ----

export function documents(file) {
  return parseAllDocuments(readFileSync(file, 'utf8'), { uniqueKeys: true }).map((document) => {
    if (document.errors.length > 0) throw new Error(`${file}: ${document.errors[0]}`);
    return document.toJS();
  });
}

// A strategic merge: of objects by field, of lists of named things by name; all else is replaced.
function merge(to, patch) {
  if (Array.isArray(patch) && Array.isArray(to) && patch.every((part) => part?.name !== undefined)) {
    const added = patch.filter((part) => !to.some((old) => old.name === part.name));
    return [...to.map((old) => merge(old, patch.find((part) => part.name === old.name) ?? {})), ...added];
  }
  if (!isObject(to) || !isObject(patch)) return patch;
  const merged = { ...to };
  for (const [name, part] of Object.entries(patch)) merged[name] = name in to ? merge(to[name], part) : part;
  return merged;
}

function generated({ name, files }, folder) {
  const data = Object.fromEntries(files.map((file) => [path.basename(file), readFileSync(path.join(folder, file), 'utf8')]));
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name }, data };
}

function withNamespace(manifest, namespace) {
  if (namespace === undefined || manifest.kind === 'Namespace') return manifest;
  return { ...manifest, metadata: { ...manifest.metadata, namespace } };
}

const supported = new Set(
  ['apiVersion', 'kind', 'namespace', 'resources', 'components', 'configMapGenerator', 'patches'],
);

// What `kubectl kustomize FOLDER` prints, but for the hashes in the names of generated ConfigMaps.
export function render(folder) {
  const kustomization = parse(readFileSync(path.join(folder, 'kustomization.yaml'), 'utf8'));
  for (const name of Object.keys(kustomization)) {
    if (!supported.has(name)) throw new Error(`${folder}: ${name} is not supported here`);
  }
  const { resources = [], components = [], configMapGenerator = [], patches = [], namespace } = kustomization;
  let all = [...resources, ...components].flatMap((name) => {
    const target = path.join(folder, name);
    return existsSync(path.join(target, 'kustomization.yaml')) ? render(target) : documents(target);
  });
  all.push(...configMapGenerator.map((one) => generated(one, folder)));
  for (const { path: file } of patches) {
    const [patch] = documents(path.join(folder, file));
    const same = (one) => one.kind === patch.kind && one.metadata.name === patch.metadata.name;
    if (!all.some(same)) throw new Error(`${folder}: ${file} patches nothing`);
    all = all.map((one) => (same(one) ? merge(one, patch) : one));
  }
  return all.map((one) => withNamespace(one, namespace));
}
