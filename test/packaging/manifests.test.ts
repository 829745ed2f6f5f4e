import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Config, parseZooCfg, readImageEnvironment } from '../../src/config/index.ts'
import { readText } from '../tidy/source-files.ts'
import { PACKAGING, PYTHON, parseYaml, runTool, skipWithoutTool } from './support/tools.ts'

const isSkipped = skipWithoutTool(PYTHON, '-c', 'import yaml')

/** What a server would make of its environment: no fault, no warning. */
function configOf(variables: Readonly<Record<string, string>>): Config {
  const { zooCfg, myid } = readImageEnvironment(new Map(Object.entries(variables)))
  const { config, warnings } = parseZooCfg(zooCfg, 'zoo.cfg', { beside: { myid: Number(myid) } })
  expect(warnings).toEqual([])
  return config
}

describe.skipIf(isSkipped)('compose.yaml', () => {
  interface Service {
    readonly hostname: string
    readonly image: string
    readonly build?: { readonly context: string; readonly dockerfile: string }
    readonly environment: Readonly<Record<string, string>>
    readonly ports: readonly string[]
    readonly volumes: readonly string[]
  }
  const read = (): { services: Record<string, Service>; volumes: Record<string, null> } =>
    parseYaml(readText('packaging/compose.yaml'))[0] as ReturnType<typeof read>

  test('has three servers that know each other and share nothing', () => {
    const { services, volumes } = read()
    const servers = ['zoo1', 'zoo2', 'zoo3'].map((name) => services[name]!)
    for (const [index, service] of servers.entries()) {
      const { ensemble, clientPort, metricsProvider } = configOf(service.environment)
      const members = ensemble!.members.map(({ id, host }) => `${id} ${host}`)
      expect(members).toEqual(['1 zoo1', '2 zoo2', '3 zoo3'])
      expect([ensemble!.self, service.hostname]).toEqual([index + 1, `zoo${index + 1}`])
      expect(service.ports).toEqual([`127.0.0.1:${2181 + index}:${clientPort}`])
      expect(metricsProvider.kind).toBe('prometheus')
    }
    const used = servers.flatMap((service) => service.volumes.map((volume) => volume.split(':')))
    expect(used.map(([name]) => name)).toEqual(Object.keys(volumes))
    expect(used.map(([, target]) => target)).toEqual(servers.flatMap(() => ['/data', '/datalog']))
  })

  test('builds from the Dockerfile, and Prometheus finds its files and its targets', () => {
    const { services } = read()
    const { build } = services['zoo1']!
    expect(existsSync(path.join(PACKAGING, build!.context, build!.dockerfile))).toBe(true)
    const [mount] = services['prometheus']!.volumes
    expect(existsSync(path.join(PACKAGING, mount!.split(':')[0]!, 'prometheus.yml'))).toBe(true)
    const targets = /targets: \[(.*)\]/.exec(readText('packaging/prometheus/prometheus.yml'))![1]!
    expect(targets.split(', ')).toEqual(['zoo1:7000', 'zoo2:7000', 'zoo3:7000'])
  })
})

interface Port {
  readonly name: string
  readonly port?: number
  readonly containerPort?: number
}

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string }
}

interface Container {
  readonly command: readonly string[]
  readonly env: readonly { readonly name: string; readonly value?: string }[]
  readonly ports: readonly Port[]
  readonly startupProbe: Probe
  readonly livenessProbe: Probe
  readonly readinessProbe: Probe
  readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[]
}

type Labels = Readonly<Record<string, string>>

interface StatefulSet {
  readonly serviceName: string
  readonly replicas: number
  readonly selector: { readonly matchLabels: Labels }
  readonly template: {
    readonly metadata: { readonly labels: Labels; readonly annotations: Labels }
    readonly spec: {
      readonly securityContext: Readonly<Record<string, unknown>>
      readonly containers: readonly [Container]
      readonly volumes: readonly { readonly name: string }[]
    }
  }
  readonly volumeClaimTemplates: readonly { readonly metadata: { readonly name: string } }[]
}

describe.skipIf(isSkipped)('the Kubernetes manifest', () => {
  const documents = isSkipped ? [] : parseYaml(readText('packaging/kubernetes/zabkeeper.yaml'))

  function specOf<T>(kind: string, name: string): T {
    const found = (documents as { kind: string; metadata: { name: string }; spec: T }[]).find(
      (one) => one.kind === kind && one.metadata.name === name,
    )
    return found!.spec
  }

  const set = (): StatefulSet => specOf('StatefulSet', 'zabkeeper')
  const container = (): Container => set().template.spec.containers[0]

  test('gives every pod a configuration that lists all pods by their names', () => {
    const { env } = container()
    const variables = Object.fromEntries(
      env.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
    )
    const { serviceName, replicas } = set()
    for (let ordinal = 0; ordinal < replicas; ordinal++) {
      const { ensemble, dataDir, dataLogDir } = configOf({
        ...variables,
        ZOO_MY_ID: `${ordinal + 1}`,
      })
      expect(ensemble!.members.map(({ host }) => host)).toEqual(
        Array.from({ length: replicas }, (_, pod) => `zabkeeper-${pod}.${serviceName}`),
      )
      expect([ensemble!.listensOnAllAddresses, dataDir, dataLogDir]).toEqual([
        true,
        '/data',
        '/data',
      ])
    }
  })

  test.each([
    ['zabkeeper-0', '1'],
    ['zabkeeper-2', '3'],
    ['my-own-name-11', '12'],
  ])('makes of the pod %s server %s', (pod, id) => {
    const [shell, flag, script] = container().command
    expect([shell, flag]).toEqual(['sh', '-c'])
    const shown = script!.replace('exec zabkeeper', 'echo "$ZOO_MY_ID"')
    const { stdout } = runTool('env', [`POD_NAME=${pod}`, shell!, flag!, shown])
    expect(stdout).toBe(`${id} serve --from-environment\n`)
  })

  test('has the ports that the configuration opens, in all places', () => {
    const { env, ports } = container()
    const extra = env.find(({ name }) => name === 'ZOO_CFG_EXTRA')!.value!
    const named = new Map(ports.map(({ name, containerPort }) => [name, containerPort]))
    expect(Object.fromEntries(named)).toEqual({
      client: 2181,
      quorum: 2888,
      election: 3888,
      admin: Number(/admin\.serverPort=(\d+)/.exec(extra)![1]),
      metrics: Number(/metricsProvider\.httpPort=(\d+)/.exec(extra)![1]),
    })
    expect(extra).toContain('admin.serverAddress=0.0.0.0')
    const peers = specOf<{ ports: Port[] }>('Service', 'zabkeeper-peers')
    for (const { name, port } of peers.ports) expect(port).toBe(named.get(name))
    const { annotations } = set().template.metadata
    expect(annotations['prometheus.io/port']).toBe(String(named.get('metrics')))
  })

  test('probes what the admin server has', () => {
    const { startupProbe, livenessProbe, readinessProbe } = container()
    const probes = [startupProbe, livenessProbe, readinessProbe]
    expect(probes.map(({ httpGet }) => `${httpGet.port} ${httpGet.path}`)).toEqual([
      'admin /livez',
      'admin /livez',
      'admin /readyz',
    ])
    const paths = readText('src/admin-http/admin-server.ts')
    expect(paths).toContain("case '/livez'")
    expect(paths).toContain("case '/readyz'")
  })

  test('selects its own pods everywhere, and lets one of them go at a time', () => {
    const { selector, template, serviceName } = set()
    const { labels } = template.metadata
    expect(selector.matchLabels).toEqual(labels)
    const peers = specOf<Record<string, unknown>>('Service', serviceName)
    expect(peers).toMatchObject({
      selector: labels,
      clusterIP: 'None',
      publishNotReadyAddresses: true,
    })
    expect(specOf('Service', 'zabkeeper')).toMatchObject({ selector: labels })
    expect(specOf('PodDisruptionBudget', 'zabkeeper')).toEqual({
      maxUnavailable: 1,
      selector: { matchLabels: labels },
    })
  })

  test('mounts a volume wherever a server writes, as the user of the image', () => {
    const { template, volumeClaimTemplates } = set()
    const volumes = [
      ...template.spec.volumes.map(({ name }) => name),
      ...volumeClaimTemplates.map(({ metadata }) => metadata.name),
    ]
    const mounts = container().volumeMounts
    expect(mounts.map(({ name }) => name).sort()).toEqual(volumes.sort())
    expect(mounts.map(({ mountPath }) => mountPath)).toEqual(['/data', '/conf', '/tmp'])
    expect(template.spec.securityContext).toMatchObject({ runAsUser: 1000, fsGroup: 1000 })
  })
})
