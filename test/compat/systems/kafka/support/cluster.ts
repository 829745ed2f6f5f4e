import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePorts } from '../../../../../bench/servers/index.ts'
import { type ProgramResult, runProgram } from '../../../clients/support/index.ts'
import { JavaProgram, SMALL_JVM, type SystemInstall } from '../../support/index.ts'
import { brokerProperties, type ControllerPlace, type Phase } from './properties.ts'

export const PROGRAMS: string = path.join(import.meta.dirname, '../programs')

export const TOOLS = {
  acls: 'kafka.admin.AclCommand',
  configs: 'kafka.admin.ConfigCommand',
  consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  consoleProducer: 'kafka.tools.ConsoleProducer',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  leaderElection: 'org.apache.kafka.tools.LeaderElectionCommand',
  reassign: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  storage: 'kafka.tools.StorageTool',
  topics: 'org.apache.kafka.tools.TopicCommand',
} as const

export interface KafkaOptions {
  readonly install: SystemInstall
  readonly folder: string
  /** `host:port,…` of the ensemble. */
  readonly servers: string
  /** Ports of the brokers, two for each; free ones unless given. */
  readonly ports?: readonly number[]
}

export const BROKERS = 3
const STARTED = /started \(kafka\.server\.Kafka(?:Raft)?Server\)/g
const TOOL_MS = 300_000

/** Brokers that keep each record three times, and acknowledge it when two have it. */
export class Kafka {
  readonly brokers: readonly Broker[]
  readonly #options: KafkaOptions

  private constructor(options: KafkaOptions, ports: readonly number[]) {
    this.#options = options
    this.brokers = Array.from(
      { length: BROKERS },
      (_, i) => new Broker(i + 1, options, ports[2 * i]!, ports[2 * i + 1]!),
    )
  }

  /** Nothing is started yet. */
  static async make(options: KafkaOptions): Promise<Kafka> {
    return new Kafka(options, options.ports ?? (await freePorts(2 * BROKERS)))
  }

  get bootstrap(): string {
    return this.brokers.map(({ port }) => `127.0.0.1:${port}`).join(',')
  }

  /** For clients that say who they are. */
  get securedBootstrap(): string {
    return this.brokers.map(({ securedPort }) => `127.0.0.1:${securedPort}`).join(',')
  }

  broker(id: number): Broker {
    const broker = this.brokers[id - 1]
    if (broker === undefined) throw new Error(`there is no broker ${id}`)
    return broker
  }

  async start(): Promise<void> {
    // One after the other: the controller is the first, and each gets as much of the machine as there is.
    for (const broker of this.brokers) await broker.start()
  }

  /** Runs one of Kafka's own commands and gives all that it wrote; rejects when it failed. */
  async tool(name: keyof typeof TOOLS, ...args: readonly string[]): Promise<string> {
    const { code, output } = await this.tryTool(name, args)
    if (code !== 0) throw new Error(`${name} ${args.join(' ')} ended with ${code}:\n${output}`)
    return output
  }

  async tryTool(
    name: keyof typeof TOOLS,
    args: readonly string[],
    input: string = '',
  ): Promise<ProgramResult> {
    const { classPath } = this.#options.install
    const log = `-Dlog4j.configuration=file:${path.join(PROGRAMS, 'quiet.properties')}`
    const command = [...SMALL_JVM, log, '-cp', classPath, TOOLS[name], ...args]
    return await runProgram('java', command, { input, timeoutMs: TOOL_MS })
  }

  get output(): string {
    return this.brokers.map(({ program }) => program.tail).join('\n')
  }

  /** In turn, so that each hands its partitions to another. */
  async stop(): Promise<void> {
    for (const broker of this.brokers) await broker.program.stop()
  }

  async kill(): Promise<void> {
    await Promise.all(this.brokers.map(async ({ program }) => await program.kill()))
  }
}

export class Broker {
  readonly id: number
  readonly port: number
  readonly securedPort: number
  readonly program: JavaProgram
  readonly #folder: string
  readonly #servers: string

  constructor(id: number, options: KafkaOptions, port: number, securedPort: number) {
    this.id = id
    this.port = port
    this.securedPort = securedPort
    this.#folder = path.join(options.folder, `broker-${id}`)
    this.#servers = options.servers
    this.program = kafkaProgram(`broker-${id}`, this.#folder, options.install)
    this.configure('zookeeper', null)
  }

  /** Takes effect with the next start. */
  configure(phase: Phase, controller: ControllerPlace | null): void {
    const { id, port, securedPort } = this
    const place = { id, port, securedPort, folder: this.#folder, servers: this.#servers }
    writeFileSync(propertiesFile(this.#folder), brokerProperties(place, phase, controller))
  }

  async start(): Promise<void> {
    await startKafka(this.program)
  }
}

export function propertiesFile(folder: string): string {
  return path.join(folder, 'server.properties')
}

/** Kafka's server, with the properties that are in its folder when it starts. */
export function kafkaProgram(name: string, folder: string, install: SystemInstall): JavaProgram {
  mkdirSync(folder, { recursive: true })
  return new JavaProgram({
    ...{ name, folder, classPath: install.classPath, mainClass: 'kafka.Kafka' },
    args: [propertiesFile(folder)],
    javaArguments: [
      `-Dlog4j.configuration=file:${path.join(PROGRAMS, 'log4j.properties')}`,
      `-Dkafka.logs.dir=${folder}`,
    ],
  })
}

export async function startKafka(program: JavaProgram): Promise<void> {
  const starts = (): number => program.log.match(STARTED)?.length ?? 0
  const before = starts()
  program.launch()
  await program.ready('it says that it has started', () => starts() > before)
}
