export { EXIT } from './exit-codes.ts'
export { main } from './program.ts'
export { readProcess } from './read-process.ts'
