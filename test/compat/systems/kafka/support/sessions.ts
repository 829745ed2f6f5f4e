import { NoNodeError, type ZooKeeper } from '../../../../../src/client-node/index.ts'
import { CHROOT } from './properties.ts'

/** The broker that is the controller, null when there is none. */
export async function controllerOf(client: ZooKeeper): Promise<number | null> {
  try {
    const { data } = await client.getData(`${CHROOT}/controller`)
    return (JSON.parse(String(data)) as { brokerid: number }).brokerid
  } catch (error) {
    if (error instanceof NoNodeError) return null
    throw error
  }
}

/** How often controllers have changed. */
export async function controllerEpoch(client: ZooKeeper): Promise<number> {
  return Number(String((await client.getData(`${CHROOT}/controller_epoch`)).data))
}

/** Of each broker that is registered: its session, and the transaction that registered it. */
export async function registrations(client: ZooKeeper): Promise<readonly string[]> {
  const { children } = await client.getChildren(`${CHROOT}/brokers/ids`)
  const found = await Promise.all(
    children.toSorted().map(async (id) => {
      // One that goes away in between is none.
      const stat = await client.exists(`${CHROOT}/brokers/ids/${id}`)
      if (stat === null) return []
      const { ephemeralOwner, czxid } = stat
      return [
        `broker ${id}: session 0x${ephemeralOwner.toString(16)}, czxid 0x${czxid.toString(16)}`,
      ]
    }),
  )
  return found.flat()
}
