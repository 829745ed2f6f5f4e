import path from 'node:path'

/** Where brokers keep their znodes, as most installations have it: they share the ensemble with others. */
export const CHROOT = '/kafka'

/** Kafka's own default. */
const SESSION_MS = 18_000

/**
 * - `zookeeper`: everything is kept in ZooKeeper
 * - `migrating`: a KRaft controller takes over what is in ZooKeeper, and writes there what changes from then on
 * - `kraft`: without ZooKeeper
 */
export type Phase = 'kraft' | 'migrating' | 'zookeeper'

export interface BrokerPlace {
  readonly id: number
  readonly port: number
  readonly securedPort: number
  readonly folder: string
  /** `host:port,…` of the ensemble. */
  readonly servers: string
}

/** The KRaft controller that is to take ZooKeeper's place. */
export interface ControllerPlace {
  readonly id: number
  readonly port: number
}

export function brokerProperties(
  place: BrokerPlace,
  phase: Phase,
  controller: ControllerPlace | null,
): string {
  const { id, port, securedPort, folder } = place
  const lines = [
    `listeners=PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${securedPort}`,
    'security.inter.broker.protocol=PLAINTEXT',
    'sasl.enabled.mechanisms=SCRAM-SHA-256',
    'listener.name.sasl_plaintext.scram-sha-256.sasl.jaas.config=' +
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    // Brokers and the clients of this test that do not log in; whoever logs in has what ACLs give.
    'super.users=User:ANONYMOUS',
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
    ...(phase === 'kraft' ? [`node.id=${id}`, 'process.roles=broker'] : [`broker.id=${id}`]),
    ...zookeeperLines(phase, place.servers),
    ...(controller === null ? [] : quorumLines(controller)),
  ]
  return `${lines.join('\n')}\n`
}

export function controllerProperties(
  controller: ControllerPlace,
  folder: string,
  phase: Phase,
  servers: string,
): string {
  const lines = [
    `node.id=${controller.id}`,
    'process.roles=controller',
    `listeners=CONTROLLER://127.0.0.1:${controller.port}`,
    'super.users=User:ANONYMOUS',
    `log.dirs=${path.join(folder, 'data')}`,
    'default.replication.factor=3',
    'min.insync.replicas=2',
    ...zookeeperLines(phase, servers).filter((line) => !line.startsWith('authorizer')),
    'authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    ...quorumLines(controller),
  ]
  return `${lines.join('\n')}\n`
}

function zookeeperLines(phase: Phase, servers: string): string[] {
  if (phase === 'kraft') {
    return ['authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer']
  }
  return [
    'authorizer.class.name=kafka.security.authorizer.AclAuthorizer',
    `zookeeper.connect=${servers}${CHROOT}`,
    `zookeeper.session.timeout.ms=${SESSION_MS}`,
    'zookeeper.connection.timeout.ms=120000',
    ...(phase === 'migrating' ? ['zookeeper.metadata.migration.enable=true'] : []),
  ]
}

function quorumLines({ id, port }: ControllerPlace): string[] {
  return [
    `controller.quorum.voters=${id}@127.0.0.1:${port}`,
    'controller.listener.names=CONTROLLER',
    'listener.security.protocol.map=' +
      'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT',
  ]
}
