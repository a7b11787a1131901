// Code: the same publish or subscription as curl, JavaScript or the command line would do it.

// For a shell: in single quotes.
export const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// A topic or filter in a URL.
export const urlPath = (topic) => topic.split('/').map((level) => (level === '+' ? '+' : encodeURIComponent(level))).join('/');

const option = (name, value) => (value ? ` ${name} ${value}` : '');

// base: 'http://127.0.0.1:8080', no slash at the end. {topic, op, kind: 'text' | 'json' | 'file', text, file}.
export function publishCode(language, base, { topic, op, kind, text, file = 'FILE' }) {
  const url = `${base}/topics/${urlPath(topic)}`;
  if (language === 'javascript') return publishJavaScript(base, { topic, op, kind, text });
  if (op === 'event') {
    const line = { topic, op: 'event', ...(kind === 'json' ? { json: parsed(text) } : kind === 'text' ? { text } : { base64: '…' }) };
    if (language === 'cli') return '# events are published by curl and JavaScript';
    return `curl --data-binary ${quoted(JSON.stringify(line))} ${quoted(`${base}/topics`)}`;
  }
  if (op === 'remove') return language === 'cli' ? '# a removal is published by curl and JavaScript' : `curl -X DELETE ${quoted(url)}`;
  if (language === 'cli') {
    const where = base === 'http://127.0.0.1:8080' ? '' : ` --url ${base}`;
    return kind === 'file' ? `# a file is published by curl: ringcast pub takes lines` : `ringcast pub ${quoted(topic)} ${quoted(text)}${where}`;
  }
  const type = { text: 'text/plain', json: 'application/json', file: 'application/octet-stream' }[kind];
  const body = kind === 'file' ? quoted(`@${file}`) : quoted(text);
  return `curl -H 'Content-Type: ${type}' --${kind === 'file' ? 'data-binary' : 'data-raw'} ${body} \\\n  ${quoted(url)}`;
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

const head = (base) => `import { connect } from '${base}/ringcast.js';\n\nconst rc = connect('${base}');\n`;

function publishJavaScript(base, { topic, op, kind, text }) {
  const name = JSON.stringify(topic);
  if (op === 'remove') return `${head(base)}await rc.remove(${name});`;
  const data = kind === 'json' ? JSON.stringify(parsed(text)) : kind === 'file' ? 'new Uint8Array(await file.arrayBuffer())' : JSON.stringify(text);
  return `${head(base)}await rc.${op === 'event' ? 'event' : 'publish'}(${name}, ${data});`;
}

// {filter, pace: 'every' | '0' | '10', start: 'last' | 'now' | '20'}.
export function followCode(language, base, { filter, pace, start }) {
  const isLatest = pace !== 'every';
  if (language === 'javascript') {
    const options = {
      ...(isLatest && { delivery: 'latest', ...(pace !== '0' && { maxRateHz: Number(pace) }) }),
      ...(start !== 'now' && { start: start === 'last' ? 'last' : { last: Number(start) } }),
    };
    const text = Object.keys(options).length ? `${JSON.stringify(options).replaceAll(/"(\w+)":/g, ' $1: ').replaceAll('"', "'").replaceAll('}', ' }')}, ` : '';
    return `${head(base)}rc.subscribe(${JSON.stringify(filter)}, ${text}(msg) => {\n  console.log(msg.topic, msg.data);\n});`;
  }
  if (language === 'cli') {
    const where = base === 'http://127.0.0.1:8080' ? '' : option('--url', base);
    const from = start === 'now' ? '' : start === 'last' ? ' --last' : ` --start last:${start}`;
    return `ringcast sub ${quoted(filter)}${from}${isLatest ? ' --latest' : ''}${isLatest && pace !== '0' ? option('--rate', pace) : ''}${where}`;
  }
  const query = [start !== 'now' && 'last=1', isLatest && 'delivery=latest', isLatest && pace !== '0' && `rate=${pace}`].filter(Boolean).join('&');
  return `curl -N -H 'Accept: text/event-stream' \\\n  ${quoted(`${base}/topics/${urlPath(filter)}${query && `?${query}`}`)}`;
}
