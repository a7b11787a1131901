// Value: what a message means: its data; of text that is JSON, as plain WebSockets publish it, what that says.

export function valueOf(message) {
  const { data } = message;
  if (typeof data !== 'string' || !/^\s*[[{]/.test(data)) return data;
  try {
    return JSON.parse(data);
  } catch {
    return data;
  }
}
