// Clipboard: copies text, also where the page came without TLS and browsers have no clipboard for it.

export async function copy(text) {
  if (navigator.clipboard) {
    try {
      await navigator.clipboard.writeText(text);
      return true;
    } catch {
      // Refused: by hand, then.
    }
  }
  const field = Object.assign(document.createElement('textarea'), { value: text, className: 'skip' });
  document.body.append(field);
  field.select();
  const isCopied = document.execCommand('copy');
  field.remove();
  return isCopied;
}
