/** A command about servers could not do what it was asked for. The message is one line that says what to do. */
export class ClusterError extends Error {
  override readonly name: string = 'ClusterError'
}
