/** An average as Java prints it: up to four decimals, and always one (`0.0`, `4.4286`). */
export function formatAverage(value: number): string {
  const rounded = Math.round(value * 10_000) / 10_000
  return Number.isInteger(rounded) ? `${rounded}.0` : `${rounded}`
}

/** `/127.0.0.1:2181`, as Java prints a socket address; IPv6 in square brackets. */
export function formatSocketAddress(address: { host: string; port: number }): string {
  const host = address.host.includes(':') ? `[${address.host}]` : address.host
  return `/${host}:${address.port}`
}

/** `368MB` */
export function formatMegabytes(bytes: number): string {
  return `${Math.floor(bytes / (1024 * 1024))}MB`
}
