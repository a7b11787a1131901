// deploy/k8s and deploy/seccomp: each manifest against Kubernetes' types, against Pod Security `restricted`, and against
// what it names in others. Real Kustomize is asked, too, where there is one.
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from '../../web/node_modules/yaml/dist/index.js';

import { profile, sourceHash } from '../../deploy/seccomp/make.mjs';
import { documents, faults, render } from './kubernetes.mjs';

const deploy = fileURLToPath(new URL('../../deploy', import.meta.url));
const overlays = ['localhost', 'runtime-default', 'unconfined'];
const rendered = Object.fromEntries(overlays.map((name) => [name, render(path.join(deploy, 'k8s/overlays', name))]));
const installer = render(path.join(deploy, 'seccomp'));
const config = readFileSync(path.join(deploy, 'k8s/broker/ringcast.toml'), 'utf8');

function one(manifests, kind, name = undefined) {
  const found = manifests.filter((each) => each.kind === kind && (name === undefined || each.metadata.name === name));
  assert.equal(found.length, 1, `one ${kind} ${name ?? ''}`);
  return found[0];
}

// "20s" of `drain-deadline = "20s"`, 2 of `shards = 2`.
function configured(key) {
  return config.match(new RegExp(`^${key} = "?([^"\\s]+)"?`, 'm'))[1];
}

const selects = (selector, labels) => Object.entries(selector).every(([name, value]) => labels[name] === value);
const MiB = (text) => Number.parseInt(text, 10) * (/Gi/.test(text) ? 1024 : 1);

// What Pod Security's profile `restricted` has against a pod (its rules of 1.25 and later, for what we use).
function unrestricted(pod) {
  const found = [];
  const say = (what, wrong) => wrong && found.push(what);
  const type = pod.securityContext?.seccompProfile?.type;
  say('seccompProfile', type !== 'RuntimeDefault' && type !== 'Localhost');
  say('runAsNonRoot', pod.securityContext?.runAsNonRoot !== true);
  say('host namespaces', pod.hostNetwork || pod.hostPID || pod.hostIPC);
  for (const volume of pod.volumes ?? []) {
    const allowed = ['configMap', 'secret', 'emptyDir', 'projected', 'downwardAPI', 'csi', 'persistentVolumeClaim', 'ephemeral'];
    say(`volume ${volume.name}`, Object.keys(volume).some((name) => name !== 'name' && !allowed.includes(name)));
  }
  for (const { securityContext = {}, ports = [] } of [...(pod.initContainers ?? []), ...pod.containers]) {
    say('allowPrivilegeEscalation', securityContext.allowPrivilegeEscalation !== false);
    say('capabilities', !securityContext.capabilities?.drop?.includes('ALL') || securityContext.capabilities.add !== undefined);
    say('privileged', securityContext.privileged);
    say('root', securityContext.runAsUser === 0 || securityContext.runAsNonRoot === false);
    say('hostPort', ports.some((port) => port.hostPort !== undefined));
  }
  return found;
}

test('every manifest is what Kubernetes knows by that kind', () => {
  for (const manifest of [...Object.values(rendered).flat(), ...installer]) {
    assert.deepEqual(faults(manifest), [], `${manifest.kind} ${manifest.metadata.name}`);
  }
});

test('a manifest with a mistake is refused: the check above can fail', () => {
  const set = () => structuredClone(one(rendered.localhost, 'StatefulSet'));
  const container = (manifest) => manifest.spec.template.spec.containers[0];
  const mistakes = [
    ['readOnlyRootFileSystem: is not known', (m) => (container(m).securityContext.readOnlyRootFileSystem = true)],
    ['spec.replicas: is not number', (m) => (m.spec.replicas = 'two')],
    ['spec.selector: is missing', (m) => delete m.spec.selector],
    ['ports[0].containerport: is not known', (m) => (container(m).ports[0].containerport = 1)],
    ['ports[0].containerPort: is missing', (m) => delete container(m).ports[0].containerPort],
    ['seccompProfile.type: is not "Localhost" |', (m) => (m.spec.template.spec.securityContext.seccompProfile.type = 'localhost')],
    ['containers: is no list', (m) => (m.spec.template.spec.containers = {})],
    ['readinessProbe.httpGet.port: is missing', (m) => delete container(m).readinessProbe.httpGet.port],
    ['args[1]: is not string', (m) => (container(m).args[1] = 8080)],
    ['labels.x: is not string', (m) => (m.metadata.labels.x = true)],
    ['apps/v1beta1 StatefulSet: no such kind', (m) => (m.apiVersion = 'apps/v1beta1')],
  ];
  for (const [fault, make] of mistakes) {
    const manifest = set();
    make(manifest);
    const found = faults(manifest);
    assert.equal(found.length, 1, `${fault}: ${found}`);
    assert.ok(found[0].includes(fault), `${fault}: ${found}`);
  }
});

test('the broker passes Pod Security `restricted`, but for the overlay that says so', () => {
  const pod = (name) => one(rendered[name], 'StatefulSet').spec.template.spec;
  assert.deepEqual(unrestricted(pod('localhost')), []);
  assert.deepEqual(unrestricted(pod('runtime-default')), []);
  assert.deepEqual(unrestricted(pod('unconfined')), ['seccompProfile']);
  assert.deepEqual(unrestricted(one(installer, 'DaemonSet').spec.template.spec), ['runAsNonRoot', 'volume node', 'root']);
  const tamed = structuredClone(pod('localhost'));
  delete tamed.containers[0].securityContext.capabilities;
  assert.deepEqual(unrestricted(tamed), ['capabilities']);
});

test('the pod is as small a target as it can be', () => {
  for (const name of overlays) {
    const { spec } = one(rendered[name], 'StatefulSet').spec.template;
    assert.equal(spec.automountServiceAccountToken, false);
    assert.equal(spec.enableServiceLinks, false);
    assert.equal(spec.containers[0].securityContext.readOnlyRootFilesystem, true);
    assert.equal(spec.securityContext.runAsUser, 65532);
    assert.equal(spec.containers[0].resources.limits.cpu, undefined);
  }
});

test('selectors select the pod, ports have the names that are used, and what is mounted is there', () => {
  for (const [name, manifests] of Object.entries(rendered)) {
    const set = one(manifests, 'StatefulSet');
    const { metadata, spec } = set.spec.template;
    const ports = Object.fromEntries(spec.containers[0].ports.map((port) => [port.name, port.containerPort]));
    assert.equal(set.spec.replicas, 1);
    assert.equal(manifests.filter((each) => each.kind === 'HorizontalPodAutoscaler').length, 0);
    assert.equal(one(manifests, 'Service', set.spec.serviceName).spec.clusterIP, 'None');
    for (const service of manifests.filter((each) => each.kind === 'Service')) {
      assert.ok(selects(service.spec.selector, metadata.labels), name);
      for (const port of service.spec.ports) assert.ok(port.targetPort in ports, `${name}: ${port.targetPort}`);
    }
    for (const selector of [
      set.spec.selector,
      one(manifests, 'PodDisruptionBudget').spec.selector,
      one(manifests, 'NetworkPolicy').spec.podSelector,
    ]) assert.ok(selects(selector.matchLabels, metadata.labels), name);
    const policed = one(manifests, 'NetworkPolicy').spec.ingress.flatMap((rule) => rule.ports.map(({ port }) => port));
    assert.deepEqual(policed.sort(), Object.keys(ports).sort());
    for (const volume of spec.volumes) one(manifests, 'ConfigMap', volume.configMap.name);
    const { startupProbe, livenessProbe, readinessProbe } = spec.containers[0];
    for (const probe of [startupProbe, livenessProbe, readinessProbe]) assert.equal(probe.httpGet.port, 'admin');
    assert.deepEqual([startupProbe, livenessProbe, readinessProbe].map((probe) => probe.httpGet.path),
      ['/livez', '/livez', '/readyz']);
    assert.equal(configured('listen'), `0.0.0.0:${ports.clients}`);
    assert.equal(configured('admin'), `0.0.0.0:${ports.admin}`);
  }
});

test('times and sizes agree: the grace period is above the drain, memory has room for what is configured', () => {
  const { spec } = one(rendered.localhost, 'StatefulSet').spec.template;
  const { requests, limits } = spec.containers[0].resources;
  const seconds = (name) => Number.parseInt(configured(name), 10);
  assert.ok(spec.terminationGracePeriodSeconds >= seconds('lame-duck') + seconds('drain-deadline') + 5);
  // Who routes by readiness has noticed, and had some time to tell others, before anything is refused.
  const { readinessProbe, lifecycle } = spec.containers[0];
  assert.ok(seconds('lame-duck') >= readinessProbe.periodSeconds * readinessProbe.failureThreshold + readinessProbe.timeoutSeconds + 2);
  assert.deepEqual(lifecycle.preStop.exec.command, ['/usr/local/bin/ringcast', 'prestop']);
  assert.equal(requests.cpu, configured('shards'));
  // memory-budget is a quarter of the limit by itself; a quarter at least is left for connections and sockets.
  assert.ok(MiB(configured('max-topic-memory')) <= MiB(limits.memory) / 2);
  assert.ok(MiB(requests.memory) <= MiB(limits.memory));
});

test('the installer puts the profile where the overlay looks for it', () => {
  const { localhostProfile } = one(rendered.localhost, 'StatefulSet').spec.template.spec.securityContext.seccompProfile;
  const { spec } = one(installer, 'DaemonSet').spec.template;
  const host = spec.volumes.find((volume) => volume.hostPath !== undefined).hostPath.path;
  assert.equal(`/var/lib/kubelet/seccomp/${localhostProfile}`, `${host}/ringcast.json`);
  assert.deepEqual(Object.keys(one(installer, 'ConfigMap').data), ['ringcast.json']);
  const images = [spec, one(rendered.localhost, 'StatefulSet').spec.template.spec].map((pod) => pod.containers[0].image);
  assert.equal(images[0], images[1]);
});

test('the ServiceMonitor finds the operators\' port', () => {
  const [monitor] = documents(path.join(deploy, 'k8s/components/service-monitor/service_monitor.yaml'));
  assert.equal(monitor.kind, 'ServiceMonitor');
  const services = rendered.localhost.filter(
    (each) => each.kind === 'Service' && selects(monitor.spec.selector.matchLabels, each.metadata.labels),
  );
  assert.deepEqual(services.map((each) => each.metadata.name), ['ringcast-headless']);
  for (const endpoint of monitor.spec.endpoints) {
    assert.ok(services[0].spec.ports.some((port) => port.name === endpoint.port));
    assert.equal(endpoint.path, '/metrics');
  }
});

test('the seccomp profile is the default one with io_uring, and without conditions that runtimes would ignore', (t) => {
  const ours = JSON.parse(readFileSync(path.join(deploy, 'seccomp/ringcast.json'), 'utf8'));
  const allowed = ours.syscalls.filter(({ action, args }) => action === 'SCMP_ACT_ALLOW' && args === undefined);
  const names = new Set(allowed.flatMap((entry) => entry.names));
  for (const name of ['io_uring_setup', 'io_uring_enter', 'io_uring_register', 'epoll_wait', 'sendmsg', 'futex', 'clone3']) {
    assert.ok(names.has(name), name);
  }
  for (const name of ['mount', 'unshare', 'setns', 'bpf', 'init_module', 'kexec_load']) assert.ok(!names.has(name), name);
  assert.equal(ours.defaultAction, 'SCMP_ACT_ERRNO');
  for (const entry of ours.syscalls) {
    assert.deepEqual(Object.keys(entry).filter((key) => !['names', 'action', 'errnoRet', 'args'].includes(key)), []);
  }
  const file = '/usr/share/containers/seccomp.json';
  const source = existsSync(file) ? readFileSync(file, 'utf8') : '';
  if (createHash('sha256').update(source).digest('hex') !== sourceHash) {
    return t.diagnostic(`not compared with its source: ${file} is another one, or none`);
  }
  assert.deepEqual(ours, profile(JSON.parse(source)));
});

test('real Kustomize makes the same of it', (t) => {
  const asked = spawnSync('kubectl', ['version', '--client'], { encoding: 'utf8' });
  const version = asked.stdout?.match(/Kustomize Version: v(\d+)/)?.[1];
  if (!(version >= 5)) return t.skip('there is no kubectl with Kustomize 5 or newer');
  const sorted = (manifests) => Object.fromEntries(manifests.map((each) => [`${each.kind} ${each.metadata.name}`, each]));
  for (const folder of [...overlays.map((name) => `k8s/overlays/${name}`), 'seccomp']) {
    const printed = spawnSync('kubectl', ['kustomize', path.join(deploy, folder)], { encoding: 'utf8' });
    assert.equal(printed.status, 0, printed.stderr);
    // Generated names end in a hash of their content.
    const text = printed.stdout.replaceAll(/(name: ringcast(?:-seccomp)?)-[0-9a-z]{10}$/gm, '$1');
    const theirs = parseAllDocuments(text).map((document) => document.toJS());
    assert.deepEqual(sorted(theirs), sorted(render(path.join(deploy, folder))), folder);
  }
});
