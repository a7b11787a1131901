// Before the first paint: the colours that were chosen here last. A plain script, for a module would come too late.
try {
  const chosen = localStorage.getItem('ringcast-theme');
  if (chosen === 'light' || chosen === 'dark') document.documentElement.dataset.theme = chosen;
} catch {
  // Storage is refused to this page: the system's colours it is.
}
