/** CRC-32C (Castagnoli), reflected polynomial. */
const POLYNOMIAL = 0x82f6_3b78

/** Eight tables of 256 entries: table k advances a byte over k more zero bytes. */
const TABLES: Int32Array = makeTables()

function makeTables(): Int32Array {
  const tables = new Int32Array(8 * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1
    tables[byte] = crc
  }
  for (let byte = 0; byte < 256; byte++) {
    let crc = tables[byte]!
    for (let k = 1; k < 8; k++) {
      crc = tables[crc & 255]! ^ (crc >>> 8)
      tables[k * 256 + byte] = crc
    }
  }
  return tables
}

/**
 * CRC-32C of `bytes[start, end)` as an unsigned 32-bit number. `seed` is the result for the bytes before,
 * so the checksum of a chain of pieces is computed piece by piece. About 1 ns per byte (slicing by 8).
 */
export function crc32c(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  const t = TABLES
  let crc = ~seed
  let i = start
  for (const last = end - 7; i < last; i += 8) {
    crc ^= bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    crc =
      t[1792 + (crc & 255)]! ^
      t[1536 + ((crc >>> 8) & 255)]! ^
      t[1280 + ((crc >>> 16) & 255)]! ^
      t[1024 + (crc >>> 24)]! ^
      t[768 + bytes[i + 4]!]! ^
      t[512 + bytes[i + 5]!]! ^
      t[256 + bytes[i + 6]!]! ^
      t[bytes[i + 7]!]!
  }
  for (; i < end; i++) crc = t[(crc ^ bytes[i]!) & 255]! ^ (crc >>> 8)
  return ~crc >>> 0
}
