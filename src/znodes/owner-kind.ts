/** What the stored ephemeralOwner of a znode says about it (`EphemeralType`). */
export const OwnerKind = { none: 0, ephemeral: 1, container: 2, ttl: 3 } as const
export type OwnerKind = (typeof OwnerKind)[keyof typeof OwnerKind]

/** Stored owner of a container: only bit 63. */
export const CONTAINER_OWNER: bigint = -0x8000_0000_0000_0000n

/** Largest TTL, ms (about 34.8 years): five bytes. */
export const TTL_MAX = 0xff_ffff_ffffn

/** Byte 0xff, two bytes feature id 0, five bytes TTL. */
const TTL_PREFIX = 0xff_0000n

/** Stored owner of a znode with a TTL of `ttl` ms, 1 to {@link TTL_MAX}. */
export function ttlOwner(ttl: bigint): bigint {
  return BigInt.asIntN(64, (TTL_PREFIX << 40n) | ttl)
}

/** The TTL in ms of an owner of kind `ttl`. */
export function ttlOf(owner: bigint): number {
  return Number(BigInt.asUintN(40, owner))
}

/** Without extended types an owner that looks like a TTL is the id of a session. */
export function ownerKind(owner: bigint, extendedTypesEnabled: boolean): OwnerKind {
  if (owner === 0n) return OwnerKind.none
  if (owner === CONTAINER_OWNER) return OwnerKind.container
  if (extendedTypesEnabled && BigInt.asUintN(64, owner) >> 40n === TTL_PREFIX) return OwnerKind.ttl
  return OwnerKind.ephemeral
}
