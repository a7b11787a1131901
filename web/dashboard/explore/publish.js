// Publish: by hand: text, JSON or a file's bytes, as a value, an event or a removal.

import { rc } from '../link.js';
import { at, micros } from '../text.js';

export class PublishForm {
  constructor(onChange) {
    this.onChange = onChange;
    at('publish-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.submit();
    });
    at('publish-form').addEventListener('input', () => this.changed());
    this.changed();
  }

  // What the form says now.
  get wanted() {
    const [topic, op, kind, text] = ['topic', 'op', 'kind', 'text'].map((name) => at(`publish-${name}`).value);
    return { topic: topic.trim(), op, kind, text, file: at('publish-file').files[0]?.name };
  }

  setTopic(topic) {
    at('publish-topic').value = topic;
    this.changed();
    at('publish-text').focus();
  }

  changed() {
    const { op, kind } = this.wanted;
    at('publish-kind').disabled = op === 'remove';
    at('publish-text-label').hidden = op === 'remove' || kind === 'file';
    at('publish-file-label').hidden = op === 'remove' || kind !== 'file';
    at('publish-text-label').querySelector('span').textContent = kind === 'json' ? 'JSON' : 'Text';
    this.onChange();
  }

  say(text, isWrong) {
    const result = at('publish-result');
    result.textContent = text;
    result.classList.toggle('wrong', isWrong);
  }

  // The data as the client takes it; an error in words is thrown.
  async data({ kind, text }) {
    if (kind === 'text') return text;
    if (kind === 'json') return JSON.parse(text);
    const [file] = at('publish-file').files;
    if (!file) throw new Error('choose a file first');
    return new Uint8Array(await file.arrayBuffer());
  }

  async submit() {
    const { topic, op, kind, text } = this.wanted;
    if (!topic) return this.say('a topic, please', true);
    const began = performance.now();
    try {
      const result = op === 'remove' ? await rc.remove(topic) : await rc[op === 'event' ? 'event' : 'publish'](topic, await this.data({ kind, text }));
      return this.say(`${op === 'remove' ? 'Removal' : 'Message'} ${result.seq} of ${topic}, answered in ${micros((performance.now() - began) * 1000)}`, false);
    } catch (error) {
      return this.say(error.message, true);
    }
  }
}
