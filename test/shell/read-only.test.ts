import { expect, test } from 'vitest'
import {
  type ClientObserver,
  NotReadOnlyError,
  type ZooKeeper,
} from '../../src/client-node/index.ts'
import { Shell } from '../../src/shell/index.ts'

/** A shell whose server has no quorum. */
async function atReadOnlyServer(use: (shell: Shell) => Promise<void>): Promise<[string, string]> {
  let [stdout, stderr] = ['', '']
  let observer: ClientObserver | undefined
  const zk = {
    create: async (path: string) => {
      const details = { op: 'create', path }
      throw new NotReadOnlyError('NOT_READ_ONLY', 'the server is read-only now', details)
    },
    getChildren: async () => ({ children: ['zookeeper'] }),
    close: async () => {},
  }
  const shell = new Shell({
    servers: 'alone:2181',
    connection: { canBeReadOnly: true },
    open: async (_, options) => {
      observer = options.observer
      const change = { previous: 'connecting', sessionId: 7n, reason: 'alone:2181' } as const
      observer?.state({ state: 'readonly', ...change })
      return zk as unknown as ZooKeeper
    },
    streams: {
      out: (text) => {
        stdout += text
      },
      err: (text) => {
        stderr += text
      },
    },
    announce: (text) => {
      stdout += text
    },
    isJson: false,
    timeZone: 'UTC',
    readFile: () => '',
  })
  shell.start()
  await use(shell)
  return [stdout, stderr]
}

test('a server without a quorum shows in events, prompt and refusals as in zkCli', async () => {
  let prompt = ''
  const [stdout, stderr] = await atReadOnlyServer(async (shell) => {
    await shell.runLine('ls /')
    await shell.runLine('create /x')
    prompt = shell.prompt
  })
  expect(stdout).toContain(
    '\nWATCHER::\n\nWatchedEvent state:ConnectedReadOnly type:None path:null zxid: -1\n',
  )
  expect(stdout).toMatch(/\n\[zookeeper\]\n$/)
  expect(stderr).toBe('Not a read-only call: /x\n')
  expect(prompt).toBe('[zk: alone:2181(CONNECTEDREADONLY) 2] ')
})
