const listeners = new WeakMap<AbortSignal, Set<() => void>>()

/**
 * Calls `listener` once the signal is aborted (inside this call if it is already). Returns what ends that. However
 * many listen to a signal, it has one listener: sessions and signals of callers are shared by many.
 */
export function onAbort(signal: AbortSignal, listener: () => void): () => void {
  if (signal.aborted) {
    listener()
    return () => {}
  }
  let set = listeners.get(signal)
  if (set === undefined) {
    set = new Set()
    listeners.set(signal, set)
    signal.addEventListener('abort', tellAll)
  }
  // An object of its own, so that the same function may be given twice.
  const own = (): void => listener()
  set.add(own)
  return () => {
    const rest = listeners.get(signal)
    if (rest?.delete(own) && rest.size === 0) forget(signal)
  }
}

function tellAll(event: Event): void {
  const signal = event.target as AbortSignal
  const set = listeners.get(signal)
  forget(signal)
  for (const listener of set ?? []) listener()
}

function forget(signal: AbortSignal): void {
  listeners.delete(signal)
  signal.removeEventListener('abort', tellAll)
}
