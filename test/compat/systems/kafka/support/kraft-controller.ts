import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { freePort } from '../../../../../bench/servers/index.ts'
import type { JavaProgram, SystemInstall } from '../../support/index.ts'
import { kafkaProgram, propertiesFile, startKafka } from './cluster.ts'
import { CHROOT, type ControllerPlace, controllerProperties, type Phase } from './properties.ts'
import type { World } from './world.ts'

const ID = 3000

/** A controller without ZooKeeper, which takes over what brokers have in it. */
export class KraftController {
  readonly place: ControllerPlace
  readonly program: JavaProgram
  readonly #world: World
  readonly #folder: string

  private constructor(world: World, place: ControllerPlace, install: SystemInstall) {
    this.#world = world
    this.place = place
    this.#folder = path.join(world.folder, 'controller')
    this.program = kafkaProgram('controller', this.#folder, install)
    world.programs.push(this.program)
  }

  /** With its storage formatted for the cluster that ZooKeeper knows; not started yet. */
  static async make(world: World, install: SystemInstall): Promise<KraftController> {
    const controller = new KraftController(world, { id: ID, port: await freePort() }, install)
    controller.configure('migrating')
    const { data } = await world.client.getData(`${CHROOT}/cluster/id`)
    const { id } = JSON.parse(String(data)) as { id: string }
    const file = propertiesFile(controller.#folder)
    await world.kafka.tool('storage', 'format', '--config', file, '--cluster-id', id)
    return controller
  }

  /** Takes effect with the next start. */
  configure(phase: Phase): void {
    const text = controllerProperties(this.place, this.#folder, phase, this.#world.servers)
    writeFileSync(propertiesFile(this.#folder), text)
  }

  async start(): Promise<void> {
    await startKafka(this.program)
  }
}
