import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePorts } from '../../../../../bench/servers/index.ts'
import { type ProgramResult, runProgram } from '../../../clients/support/index.ts'
import { JavaProgram, SMALL_JVM, type SystemInstall } from '../../support/index.ts'

/** Where brokers keep their znodes, as most installations have it: they share the ensemble with others. */
export const CHROOT = '/kafka'

export const PROGRAMS: string = path.join(import.meta.dirname, '../programs')

export const TOOLS = {
  acls: 'kafka.admin.AclCommand',
  configs: 'kafka.admin.ConfigCommand',
  consoleConsumer: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
  consoleProducer: 'kafka.tools.ConsoleProducer',
  groups: 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
  leaderElection: 'org.apache.kafka.tools.LeaderElectionCommand',
  reassign: 'org.apache.kafka.tools.reassign.ReassignPartitionsCommand',
  topics: 'org.apache.kafka.tools.TopicCommand',
} as const

export interface KafkaOptions {
  readonly install: SystemInstall
  readonly folder: string
  /** `host:port,…` of the ensemble. */
  readonly servers: string
  /** Ports of the brokers, two for each; free ones unless given. */
  readonly ports?: readonly number[]
  /** Minutes pass until a machine that is down is given up: sessions have to live long enough for slow ones. */
  readonly sessionTimeoutMs?: number
}

export const BROKERS = 3
/** Kafka's own default. */
const SESSION_MS = 18_000
const STARTED = /started \(kafka\.server\.KafkaServer\)/g
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

  constructor(id: number, options: KafkaOptions, port: number, securedPort: number) {
    this.id = id
    this.port = port
    this.securedPort = securedPort
    const folder = path.join(options.folder, `broker-${id}`)
    mkdirSync(folder, { recursive: true })
    const file = path.join(folder, 'server.properties')
    writeFileSync(file, propertiesOf(this, options, folder))
    this.program = new JavaProgram({
      name: `broker-${id}`,
      folder,
      classPath: options.install.classPath,
      mainClass: 'kafka.Kafka',
      args: [file],
      javaArguments: [
        `-Dlog4j.configuration=file:${path.join(PROGRAMS, 'log4j.properties')}`,
        `-Dkafka.logs.dir=${folder}`,
      ],
    })
  }

  async start(): Promise<void> {
    const before = this.#starts()
    this.program.launch()
    await this.program.ready('it says that it has started', () => this.#starts() > before)
  }

  #starts(): number {
    return this.program.log.match(STARTED)?.length ?? 0
  }
}

function propertiesOf(broker: Broker, options: KafkaOptions, folder: string): string {
  const { servers, sessionTimeoutMs = SESSION_MS } = options
  const lines = [
    `broker.id=${broker.id}`,
    `listeners=PLAINTEXT://127.0.0.1:${broker.port},SASL_PLAINTEXT://127.0.0.1:${broker.securedPort}`,
    'security.inter.broker.protocol=PLAINTEXT',
    'sasl.enabled.mechanisms=SCRAM-SHA-256',
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=' +
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
    // Brokers and the clients of this test that do not log in; whoever logs in has what ACLs give.
    'super.users=User:ANONYMOUS',
    `zookeeper.connect=${servers}${CHROOT}`,
    `zookeeper.session.timeout.ms=${sessionTimeoutMs}`,
    'zookeeper.connection.timeout.ms=120000',
    `log.dirs=${path.join(folder, 'data')}`,
    'auto.create.topics.enable=false',
    'unclean.leader.election.enable=false',
    'default.replication.factor=3',
    'min.insync.replicas=2',
    'offsets.topic.num.partitions=3',
    'offsets.topic.replication.factor=3',
    'transaction.state.log.replication.factor=3',
    'transaction.state.log.num.partitions=3',
    'group.initial.rebalance.delay.ms=0',
    // Leaders change when this test says so.
    'auto.leader.rebalance.enable=false',
    'num.network.threads=2',
    'num.io.threads=4',
    'background.threads=2',
    'log.cleaner.dedupe.buffer.size=4194304',
  ]
  return `${lines.join('\n')}\n`
}
