// deploy/prometheus and deploy/grafana: every metric that they ask for is one that the broker tells, and promtool, where it
// is, understands each expression and sees each alert fire (alerts_test.yaml).
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

import { documents } from './kubernetes.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const alertsFile = path.join(root, 'deploy/prometheus/alerts.yaml');
const [alerts] = documents(alertsFile);
const rules = alerts.groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(readFileSync(path.join(root, 'deploy/grafana/dashboard.json'), 'utf8'));
const panelExpressions = dashboard.panels.flatMap((panel) => panel.targets.map((target) => target.expr));
const annotations = dashboard.annotations.list.map((each) => each.expr);

// What Grafana puts in for its variables before Prometheus sees it.
const filledIn = (expression) => expression.replaceAll('$__rate_interval', '5m').replaceAll(/\$(job|instance)\b/g, '.*');
const metricsOf = (expression) => expression.match(/\b(ringcast|process)_[a-z_]+/g);
const withoutSuffix = (metric) => metric.replace(/_bucket$/, '');

test('every metric that is asked for is one that the broker tells', (t) => {
  const sources = ['broker/sample.cc', 'broker/exposition.cc'].map((name) => path.join(root, name));
  if (!sources.every(existsSync)) return t.skip('the broker has no /metrics yet');
  const told = new Set(sources.flatMap((file) => readFileSync(file, 'utf8').match(/"(ringcast|process)_[a-z_]+"/g)));
  assert.ok(told.size > 40);
  for (const expression of [...rules.map((rule) => rule.expr), ...panelExpressions, ...annotations]) {
    for (const metric of metricsOf(expression)) assert.ok(told.has(`"${withoutSuffix(metric)}"`), `${metric} in ${expression}`);
  }
});

test('every alert says how bad it is, what it is and what to do', () => {
  assert.equal(new Set(rules.map((rule) => rule.alert)).size, rules.length);
  for (const rule of rules) {
    assert.match(rule.alert, /^Ringcast[A-Z]/);
    assert.ok(['critical', 'warning', 'info'].includes(rule.labels.severity), rule.alert);
    assert.ok(rule.annotations.summary.length > 20 && rule.annotations.description.length > 40, rule.alert);
  }
});

test('the panels of the dashboard have numbers of their own and do not lie on each other', () => {
  const { panels } = dashboard;
  assert.equal(new Set(panels.map((panel) => panel.id)).size, panels.length);
  const taken = new Map();
  for (const { title, gridPos: { x, y, w, h } } of panels) {
    assert.ok(x + w <= 24, title);
    for (let row = y; row < y + h; ++row) {
      for (let column = x; column < x + w; ++column) {
        assert.equal(taken.get(`${row} ${column}`), undefined, title);
        taken.set(`${row} ${column}`, title);
      }
    }
  }
  for (const panel of panels) assert.ok(panel.targets.every((each) => each.datasource.uid === '${datasource}'), panel.title);
});

const promtool = spawnSync('promtool', ['--version']).status === 0;
const absent = promtool ? false : 'there is no promtool';
const succeeds = (...args) => {
  const run = spawnSync('promtool', args, { encoding: 'utf8' });
  assert.equal(run.status, 0, run.stdout + run.stderr);
};

test('each alert fires on what it is for, and none on a broker that is well', { skip: absent }, () => {
  const tests = path.join(root, 'tests/deploy/alerts_test.yaml');
  const text = readFileSync(tests, 'utf8');
  for (const rule of rules) assert.ok(text.includes(`alertname="${rule.alert}"`), `${rule.alert} is not tested`);
  succeeds('check', 'rules', alertsFile);
  succeeds('test', 'rules', tests);
});

test('Prometheus understands each expression of the dashboard', { skip: absent }, () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'ringcast-dashboard-'));
  try {
    const file = path.join(folder, 'rules.json');  // JSON is YAML
    const recorded = [...panelExpressions, ...annotations].map((each, i) => ({ record: `panel_${i}`, expr: filledIn(each) }));
    const write = (all) => writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: all }] }));
    write(recorded);
    succeeds('check', 'rules', file);
    write([...recorded, { record: 'wrong', expr: 'sum(' }]);
    assert.notEqual(spawnSync('promtool', ['check', 'rules', file]).status, 0, 'a mistake is seen');
  } finally {
    rmSync(folder, { recursive: true });
  }
});
