import { spawn } from 'node:child_process'
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'vitest'
import { freePorts } from '../../../bench/servers/index.ts'
import { Tmpfs } from '../../compat/torture/support/tmpfs.ts'
import { ROOT } from '../../tidy/source-files.ts'
import { missingLine, type Step, stepsUnder } from './page.ts'

const PROGRAM = path.join(ROOT, 'dist', 'bin', 'zabkeeper.js')
const PAGE_PORTS = ['2181', '2888', '3888', '8080', '7000', '9090'] as const
const FOLDERS = [
  ...['/etc/zabkeeper', '/var/lib/zabkeeper', '/srv/'],
  ...['/etc/zookeeper/conf', '/var/lib/zookeeper', '/etc/prometheus/'],
]
/** How often Prometheus asks. */
const SCRAPE_INTERVAL = /\b15s\b/g
const PACKAGE = '$(npm root --global)/zabkeeper'
const STOP_MS = 30_000
const EQUAL_MS = 60_000
const COMMANDS_MS = 120_000

/** What stands for systemd on a machine with one service. */
const SYSTEMCTL = `#!/usr/bin/env bash
case "$1" in
  start)
    config=$MACHINE/etc/zabkeeper/zoo.cfg
    [ -e "$config" ] || config=$MACHINE/etc/zookeeper/conf/zoo.cfg
    command=("$NODE" "$PROGRAM" serve "$config" --log-format json)
    if [ "$2" = prometheus ]; then
      command=(prometheus --config.file="$MACHINE/etc/prometheus/prometheus.yml")
      command+=(--storage.tsdb.path="$MACHINE/srv/prometheus" --web.listen-address="$PROMETHEUS")
    fi
    setsid "\${command[@]}" >> "$MACHINE/journal" 2>&1 &
    echo $! > "$MACHINE/pid" ;;
  stop)
    pid=$(cat "$MACHINE/pid" 2> /dev/null) || exit 0
    kill "$pid" 2> /dev/null || exit 0
    while kill -0 "$pid" 2> /dev/null; do sleep 0.05; done ;;
  restart) "$0" stop "$2" && "$0" start "$2" ;;
  is-active)
    if kill -0 "$(cat "$MACHINE/pid")" 2> /dev/null; then echo active; else echo failed; exit 3; fi ;;
esac
`
const JOURNALCTL = '#!/usr/bin/env bash\ncat "$MACHINE/journal"\n'
/** Servers that share two processors with other tests may take longer to answer than those of a page. */
const ZABKEEPER = `#!/usr/bin/env bash
case "$1" in health | status) set -- "$@" --timeout 30000 ;; esac
exec "$NODE" "$PROGRAM" "$@"
`

/**
 * Machines `zk1`, `zk2` …: each a folder and a loopback address of its own, on which the commands of a runbook run as
 * they stand there. Only paths, names and ports are put in the place of those of the page, and intervals are shorter.
 */
export class Site {
  readonly folder: string = mkdtempSync(path.join(tmpdir(), 'zabkeeper-drill-'))
  readonly #net: string
  readonly #ports: readonly number[]
  readonly #bin: string
  readonly #disks: Tmpfs[] = []

  private constructor(ports: readonly number[]) {
    // Not 127.0.0.*, where other tests listen.
    this.#net = `127.${1 + (process.pid % 250)}.${1 + (ports[0]! % 250)}`
    this.#ports = ports
    this.#bin = path.join(this.folder, 'bin')
    mkdirSync(this.#bin)
    const scripts = { systemctl: SYSTEMCTL, journalctl: JOURNALCTL, zabkeeper: ZABKEEPER }
    for (const [name, text] of Object.entries(scripts)) {
      writeFileSync(path.join(this.#bin, name), text)
      chmodSync(path.join(this.#bin, name), 0o755)
    }
  }

  /** Machines with the configuration that the pages begin with; nothing runs yet. */
  static async open(hosts: readonly string[], moreConfig: readonly string[] = []): Promise<Site> {
    if (!existsSync(PROGRAM)) throw new Error(`${PROGRAM} is missing: run "npm run build" first`)
    const site = new Site(await freePorts(PAGE_PORTS.length))
    for (const host of hosts) site.addMachine(host, hosts, moreConfig)
    return site
  }

  addMachine(host: string, servers: readonly string[], moreConfig: readonly string[] = []): void {
    const lines = [
      'tickTime=500',
      'initLimit=20',
      'syncLimit=20',
      'maxSessionTimeout=600000',
      'preAllocSize=1024',
      'dataDir=/var/lib/zabkeeper',
      ...moreConfig,
      ...servers.map((name) => `server.${name.slice(2)}=${name}:2888:3888;${name}:2181`),
      '',
    ]
    mkdirSync(this.at(host, '/etc/zabkeeper'), { recursive: true })
    mkdirSync(this.at(host, '/var/lib/zabkeeper'), { recursive: true })
    writeFileSync(this.at(host, '/etc/zabkeeper/zoo.cfg'), this.#toReal(lines.join('\n'), host))
    writeFileSync(this.at(host, '/var/lib/zabkeeper/myid'), `${host.slice(2)}\n`)
    writeFileSync(this.at(host, '/journal'), '')
  }

  /** A machine on which nothing is configured. */
  addEmptyMachine(host: string): void {
    for (const folder of FOLDERS.slice(2)) mkdirSync(this.at(host, folder), { recursive: true })
    writeFileSync(this.at(host, '/journal'), '')
  }

  /** Gives a machine a data disk of its own, of this size; false where that is not permitted. */
  mountDisk(host: string, bytes: number): boolean {
    const folder = this.at(host, '/var/lib/zabkeeper')
    const disk = Tmpfs.mount(folder, bytes)
    if (disk === null) return false
    this.#disks.push(disk)
    writeFileSync(path.join(folder, 'myid'), `${host.slice(2)}\n`)
    return true
  }

  /** Where a path of a machine is on this one. */
  at(host: string, name: string): string {
    return path.join(this.folder, host, name)
  }

  /** For a client. */
  connectionString(hosts: readonly string[]): string {
    return hosts.map((host) => `${this.#address(host)}:${this.#ports[0]}`).join(',')
  }

  /** Runs commands as if they stood in a page. */
  async run(
    host: string | null,
    commands: string,
  ): Promise<{ code: number | null; output: string }> {
    const machine = this.at(host ?? 'zk1', '/')
    const child = spawn('bash', ['-euo', 'pipefail', '-c', this.#toReal(commands, host ?? 'zk1')], {
      cwd: machine,
      // A group of its own, so that it can be ended with all that it has started to wait for something.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        PATH: `${this.#bin}:${process.env['PATH']}`,
        NODE: process.execPath,
        PROGRAM,
        MACHINE: machine.replace(/\/$/, ''),
        PROMETHEUS: `${this.#address(host ?? 'zk1')}:${this.#ports[5]}`,
        // Machines have no loopback address of their own.
        JVMFLAGS: `-Dzookeeper.admin.serverAddress=${this.#address(host ?? 'zk1')}`,
      },
    })
    let output = ''
    const add = (chunk: Buffer): void => {
      output += chunk.toString()
    }
    child.stdout.on('data', add)
    child.stderr.on('data', add)
    const limit = setTimeout(() => process.kill(-child.pid!, 'SIGKILL'), COMMANDS_MS)
    const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
    clearTimeout(limit)
    return { code, output: this.#toPage(output) }
  }

  /** Runs a step and holds its output against the page. */
  async follow({ commands, exitCode, host, output: shown, section }: Step): Promise<string> {
    const { code, output } = await this.run(host, commands)
    const where = `${section}\n${commands}\nprinted\n${output}`
    expect(code, where).toBe(exitCode)
    if (shown !== null) expect(missingLine(shown, output), where).toBeNull()
    return output
  }

  async followAll(page: string, section: string): Promise<void> {
    for (const step of stepsUnder(page, section)) await this.follow(step)
  }

  async start(hosts: readonly string[]): Promise<void> {
    for (const host of hosts) await this.run(host, 'systemctl start zabkeeper')
    const all = hosts.map((host) => `${host}:2181`).join(',')
    const { code, output } = await this.run(
      null,
      `until zabkeeper health --servers ${all}; do sleep 0.2; done`,
    )
    if (code !== 0) throw new Error(output)
  }

  /** What a four-letter word says; null when nobody answers. */
  async word(host: string, word: string): Promise<string | null> {
    return await new Promise((resolve) => {
      const socket = connect(this.#ports[0]!, this.#address(host), () => socket.write(word))
      let answer = ''
      socket.on('data', (chunk) => {
        answer += chunk.toString()
      })
      socket.on('error', () => resolve(null))
      socket.on('close', () => resolve(answer))
    })
  }

  /** Waits until all serve and have applied the same. */
  async untilEqual(hosts: readonly string[]): Promise<void> {
    const endMs = Date.now() + EQUAL_MS
    for (;;) {
      const answers = await Promise.all(hosts.map((host) => this.word(host, 'srvr')))
      const zxids = new Set(answers.map((answer) => /^Zxid: (\S+)$/m.exec(answer ?? '')?.[1]))
      if (zxids.size === 1 && !zxids.has(undefined)) return
      if (Date.now() > endMs) throw new Error(`not equal: ${answers.join('\n')}`)
      await sleep(50)
    }
  }

  /** The power is off, at once. */
  async kill(host: string): Promise<void> {
    const pid = this.#pid(host)
    if (pid === null) return
    process.kill(pid, 'SIGKILL')
    await gone(pid)
  }

  /** Waits until its process ends by itself. */
  async untilEnded(host: string): Promise<void> {
    const pid = this.#pid(host)
    if (pid !== null) await gone(pid)
  }

  journal(host: string): string {
    return this.#toPage(readFileSync(this.at(host, '/journal'), 'utf8'))
  }

  /** Waits until a journal contains `text` behind its first `from` letters. */
  async untilJournal(host: string, text: string, from: number): Promise<void> {
    const endMs = Date.now() + EQUAL_MS
    while (!this.journal(host).includes(text, from)) {
      if (Date.now() > endMs) throw new Error(`no ${text} in\n${this.journal(host).slice(from)}`)
      await sleep(50)
    }
  }

  async discard(): Promise<void> {
    const { output } = await this.run(null, 'ls ..')
    for (const host of output.split('\n').filter((name) => /^zk\d$/.test(name)))
      await this.kill(host)
    for (const disk of this.#disks) disk.unmount()
    rmSync(this.folder, { recursive: true, force: true })
  }

  #pid(host: string): number | null {
    const file = this.at(host, '/pid')
    if (!existsSync(file)) return null
    const pid = Number(readFileSync(file, 'utf8'))
    return isRunning(pid) ? pid : null
  }

  #address(host: string): string {
    return `${this.#net}.${host.slice(2)}`
  }

  #toReal(text: string, host: string): string {
    let real = text.replaceAll(PACKAGE, ROOT).replaceAll('127.0.0.1', host)
    real = real.replaceAll(SCRAPE_INTERVAL, '3s')
    for (const folder of FOLDERS) real = real.replaceAll(folder, `${this.folder}/${host}${folder}`)
    PAGE_PORTS.forEach((port, index) => {
      real = real.replaceAll(new RegExp(`\\b${port}\\b`, 'g'), String(this.#ports[index]))
    })
    return real.replaceAll(/\bzk\d\b(?!\/)/g, (name) => this.#address(name))
  }

  #toPage(text: string): string {
    let page = text.replaceAll(new RegExp(`${this.folder}/zk\\d`, 'g'), '')
    PAGE_PORTS.forEach((port, index) => {
      page = page.replaceAll(new RegExp(`\\b${this.#ports[index]}\\b`, 'g'), port)
    })
    return page.replaceAll(
      new RegExp(`\\b${this.#net.replaceAll('.', '\\.')}\\.(\\d)\\b`, 'g'),
      'zk$1',
    )
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

async function gone(pid: number): Promise<void> {
  const endMs = Date.now() + STOP_MS
  while (isRunning(pid)) {
    if (Date.now() > endMs) throw new Error(`process ${pid} does not end`)
    await sleep(20)
  }
}
