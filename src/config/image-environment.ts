/** What the environment of a container says about its server, in the variables of ZooKeeper's official image. */
export interface ImageEnvironment {
  /** Folder with the zoo.cfg. */
  readonly confDir: string
  readonly dataDir: string
  /** For the zoo.cfg, if there is none yet. */
  readonly zooCfg: string
  /** For the file `myid` in `dataDir`, if there is none yet. */
  readonly myid: string
}

/** Variables that become a key with one value, in the order of the image's script. */
const VALUES: readonly (readonly [key: string, variable: string, fallback: string])[] = [
  ['tickTime', 'ZOO_TICK_TIME', '2000'],
  ['initLimit', 'ZOO_INIT_LIMIT', '5'],
  ['syncLimit', 'ZOO_SYNC_LIMIT', '2'],
  ['autopurge.snapRetainCount', 'ZOO_AUTOPURGE_SNAPRETAINCOUNT', '3'],
  ['autopurge.purgeInterval', 'ZOO_AUTOPURGE_PURGEINTERVAL', '0'],
  ['maxClientCnxns', 'ZOO_MAX_CLIENT_CNXNS', '60'],
  ['standaloneEnabled', 'ZOO_STANDALONE_ENABLED', 'true'],
  ['admin.enableServer', 'ZOO_ADMINSERVER_ENABLED', 'true'],
]

/** Reads the variables as the entry point of the image does; an empty one is as good as none. */
export function readImageEnvironment(variables: ReadonlyMap<string, string>): ImageEnvironment {
  const read = (name: string, fallback: string): string => variables.get(name) || fallback
  const dataDir = read('ZOO_DATA_DIR', '/data')
  const whitelist = read('ZOO_4LW_COMMANDS_WHITELIST', '')
  const lines = [
    `dataDir=${dataDir}`,
    `dataLogDir=${read('ZOO_DATA_LOG_DIR', '/datalog')}`,
    ...VALUES.map(([key, variable, fallback]) => `${key}=${read(variable, fallback)}`),
    ...words(read('ZOO_SERVERS', 'server.1=localhost:2888:3888;2181')),
    ...(whitelist === '' ? [] : [`4lw.commands.whitelist=${whitelist}`]),
    ...words(read('ZOO_CFG_EXTRA', '')),
  ]
  return {
    confDir: read('ZOO_CONF_DIR', '/conf'),
    dataDir,
    zooCfg: `${lines.join('\n')}\n`,
    myid: `${read('ZOO_MY_ID', '1')}\n`,
  }
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '')
}
