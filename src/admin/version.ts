/** Version of this program; the same as in package.json. */
export const VERSION = '0.1.0'

/** The Apache ZooKeeper release whose behaviour towards clients this version follows. */
export const COMPATIBLE_WITH = '3.9.3'

/** When this version was released; the same as in CHANGELOG.md. */
export const RELEASED_ON = '2026-11-21'

/**
 * The version as operators' tools read it: they cut `major.minor.patch` out of the front and the date out of
 * the back, so the compatible release comes first and our own version stands where upstream has a revision.
 */
export const VERSION_TEXT: string = `${COMPATIBLE_WITH}-zabkeeper-${VERSION}, built on ${RELEASED_ON} 00:00 UTC`
