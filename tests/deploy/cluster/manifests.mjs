// node manifests.mjs FOLDER [--abrupt]: what Kustomize makes of that folder, as a list for kubectl, with what a test needs changed:
//
// - Kubernetes 1.20 is older than policy/v1: the budget is said in the words of policy/v1beta1.
// - The node may have two CPUs only: the broker asks for less of them.
// - --abrupt: an image whose stop signal is SIGKILL, and no preStop: a broker that is killed where it should drain.
import { render } from '../kubernetes.mjs';

const [folder, ...options] = process.argv.slice(2);
const abrupt = options.includes('--abrupt');

const changes = {
  PodDisruptionBudget(manifest) {
    manifest.apiVersion = 'policy/v1beta1';
    delete manifest.spec.unhealthyPodEvictionPolicy;
  },
  StatefulSet(manifest) {
    const [container] = manifest.spec.template.spec.containers;
    container.resources.requests.cpu = '100m';
    if (!abrupt) return;
    container.image = 'localhost/ringcast:abrupt';
    delete container.lifecycle;
  },
};

const items = render(folder);
for (const manifest of items) changes[manifest.kind]?.(manifest);
console.log(JSON.stringify({ apiVersion: 'v1', kind: 'List', items }));
