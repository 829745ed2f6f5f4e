/** What `srvr` of Apache 3.8.0 looked like on a leader. */
export const LEADER_SRVR = `Zookeeper version: 3.8.0-5a02a05e, built on 2024-12-29 17:54 UTC
Latency min/avg/max: 0/4.4286/14
Received: 17
Sent: 20
Connections: 2
Outstanding: 0
Zxid: 0x100000141
Mode: leader
Node count: 22
Proposal sizes last/min/max: 70/48/156
`

/** Of an observer that is one transaction behind. */
export const OBSERVER_SRVR: string = LEADER_SRVR.replace('3.8.0', '3.9.3')
  .replace('0x100000141', '0x100000140')
  .replace('leader', 'observer')
  .replace(/^Proposal.*\n/m, '')

export const FOLLOWER_SRVR: string = OBSERVER_SRVR.replace('observer', 'follower')

export const READ_ONLY_SRVR: string = OBSERVER_SRVR.replace('observer', 'read-only').replace(
  '\n',
  '\nREAD-ONLY mode; serving only read-only clients\n',
)

export const LEADER_MNTR: string = [
  'zk_version\t3.8.0-5a02a05e, built on 2024-12-29 17:54 UTC',
  'zk_server_state\tleader',
  'zk_peer_state\tleading - broadcast',
  'zk_avg_latency\t4.4286',
  'zk_synced_followers\t2',
  'zk_uptime\t187504',
  'zk_quorum_size\t3',
  '',
].join('\n')

export const NOT_SERVING = 'This ZooKeeper instance is not currently serving requests\n'

/** `conf` of a server of an ensemble; its last line has no end. */
export function confOf(id: number, clientPort: number, servers: readonly string[]): string {
  return `clientPort=${clientPort}
secureClientPort=-1
dataDir=/srv/zk/data/version-2
dataDirSize=67109533
tickTime=2000
serverId=${id}
initLimit=10
syncLimit=5
electionAlg=3
electionPort=23325
quorumPort=23324
peerType=0
membership:${' '}
${servers.join('\n')}
version=100000000`
}
