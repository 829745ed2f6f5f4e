import v8 from 'node:v8'

/**
 * Keeps V8's garbage collector from taking every processor: it marks with up to seven threads beside the main one, and
 * with a large tree on two processors those kept the main thread waiting for 125 of 217 ms. One such thread is slower
 * but leaves the event loop its processor (longest gap 77 ms in the same run).
 */
export function restrainCollector(): void {
  v8.setFlagsFromString('--concurrent-marking-max-worker-num=1')
}
