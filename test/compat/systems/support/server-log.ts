import type { Ensemble } from '../../../../bench/servers/index.ts'

/** About a machine or disk with too much to do, not about servers. */
const BUSY =
  /"msg":"(?:the process did not run for a while; .*|a durable write took long|a request took long)"/

/** The tests take servers away. */
const AWAY = /ECONNREFUSED.*"msg":"a server is not reached for elections"/

/**
 * Warnings and errors in the logs of the ensemble's zabkeeper servers, `<id>: <line>`. A log is that of the process that
 * runs now, or ran last: look before a server is started again.
 */
export function oddLines(ensemble: Ensemble, expected: readonly RegExp[] = []): readonly string[] {
  return ensemble.members
    .filter(({ kind }) => kind === 'zabkeeper')
    .flatMap(({ id, wholeOutput }) => oddLinesOf(wholeOutput, expected).map((l) => `${id}: ${l}`))
}

export function oddLinesOf(output: string, expected: readonly RegExp[] = []): readonly string[] {
  return output
    .split('\n')
    .filter((line) => line !== '' && !/^\{"level":"(?:debug|info|trace)"/.test(line))
    .filter((line) => ![BUSY, AWAY, ...expected].some((pattern) => pattern.test(line)))
}
