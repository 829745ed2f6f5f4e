/** A line about this program itself, on standard error. */
export function say(text: string): void {
  process.stderr.write(`zabkeeper: ${text}\n`)
}
