const CHECK_EVERY_MS = 250

/**
 * `npm start` and `npx` put a shell between themselves and this process. A signal to npm ends the shell
 * and never arrives here, and the server would go on without anybody knowing. So under npm, and only there,
 * `onGone` is called when the process has lost the parent it started with.
 */
export function onNpmParentGone(onGone: () => void): void {
  if (!isStartedByNpm()) return
  const parent = process.ppid
  const timer = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(timer)
    onGone()
  }, CHECK_EVERY_MS)
  timer.unref()
}

function isStartedByNpm(): boolean {
  const event = process.env['npm_lifecycle_event']
  return event === 'npx' || (event === 'start' && process.env['npm_package_name'] === 'zabkeeper')
}
